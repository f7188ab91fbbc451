import "./styles/base.css";
import "./styles/shell.css";
import "./styles/parts.css";
import "./styles/study.css";
import "./styles/people.css";

import { render } from "preact";

import { App } from "./app";
import { catchLinks } from "./route";
import { applyTheme, chosenTheme } from "./theme";

applyTheme(chosenTheme());
catchLinks();
const root = document.getElementById("page");
if (root) render(<App />, root);
