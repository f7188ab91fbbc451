"""Items of three reporting guidelines: number, topic in our words, and who can fill them in.

A line is "number topic" or "number topic <- key", where the key is one of what a program knows of
an evaluation.  Numbers were compared with public copies of the lists, which `CHECKED` names, not
with the articles: read the guideline itself before submitting anything.

Sources  CLAIM 2024 update: Tejani et al., Radiology: Artificial Intelligence 6 (2024) e240300, 44
         items.  TRIPOD+AI: Collins et al., BMJ 385 (2024) e078378, 27 items in 52 rows.  STARD-AI:
         Sounderajah et al., Nature Medicine 31 (2025) 3283, 40 items in 48 rows.
"""

CLAIM = """
1 title names the kind of artificial intelligence
2 abstract
3 background, intended use and role
4 aims and hypotheses
5 prospective or retrospective
6 goal of the study
7 data sources <- data
8 inclusion and exclusion criteria
9 preprocessing <- preprocessing
10 selection of parts of the data
11 de-identification
12 missing data <- missing
13 acquisition of the images
14 how the reference standard was obtained
15 why this reference standard
16 who annotated
17 annotation of the test data
18 agreement between and within annotators
19 how cases were assigned to partitions <- partition
20 level at which partitions are disjoint <- disjoint
21 intended sample size <- size
22 the model <- model
23 software libraries, frameworks, packages <- software
24 initial weights
25 training
26 how the final model was selected
27 ensembling <- ensemble
28 performance metrics <- metrics
29 significance and uncertainty <- uncertainty
30 robustness or sensitivity <- robustness
31 explainability <- explain
32 evaluation on internal data <- internal
33 testing on external data <- external
34 trial registration
35 numbers included and left out <- flow
36 demographics and clinical features of each partition <- people
37 performance and its uncertainty on all partitions <- results
38 diagnostic performance and its precision <- precision
39 failure analysis <- failures
40 limitations <- limits
41 implications for practice
42 full protocol
43 availability of software, model and data <- availability
44 funding
"""

TRIPOD = """
1 title
2 abstract
3a health care context
3b target population, purpose, users
3c known inequalities between groups
4 objectives
5a data sources <- data
5b dates
6a setting
6b eligibility
6c treatments
7 data preparation <- preprocessing
8a outcome
8b assessors of the outcome
8c blinding of the outcome
9a choice of predictors
9b definition of predictors <- index
9c assessors of predictors
10 sample size <- size
11 missing data <- missing
12a how data were used and partitioned <- partition
12b handling of predictors <- preprocessing
12c kind of model and how it was built <- model
12d differences between clusters (sites) <- sites
12e measures and plots of performance <- metrics
12f updating from the evaluation
12g how predictions were calculated <- index
13 class imbalance <- imbalance
14 fairness
15 output, classification and thresholds <- output
16 differences between training and evaluation data
17 ethical approval and consent
18a funding
18b conflicts of interest
18c protocol
18d registration
18e data sharing
18f code sharing <- availability
19 patient and public involvement
20a flow of participants <- flow
20b characteristics of participants <- people
20c comparison with the development data
21 participants and outcomes in each analysis <- counts
22 full model <- model
23a performance with intervals, and in subgroups <- precision
23b performance in clusters (sites) <- sites
24 results of updating
25 interpretation and fairness
26 limitations <- limits
27a poor or missing input in use <- gate
27b interaction and expertise of users
27c next steps of research
"""

STARD = """
1 title or abstract names a study of AI-centred accuracy
2 abstract
3 background, intended use, workflow
4 objectives and hypotheses
5 prospective or retrospective
6 ethical approval
7 eligibility of participants and of data
8 how participants were found
9 where and when
10 consecutive, random or convenience
11 source of the data <- data
12 who annotated, and how
13 devices and software <- software
14 acquisition and preprocessing <- preprocessing
15a index test <- index
15b development of the index test <- model
15c cut-offs of the index test <- cut
15d who is to use it
16a reference standard
16b why this reference standard
16c cut-offs of the reference standard
17a what readers of the index test knew <- blinding
17b what assessors of the reference standard knew
18 measures of accuracy <- metrics
19 indeterminate results <- indeterminate
20 missing data <- missing
21 variability of accuracy <- subgroups
22 intended sample size <- size
23 error analysis, bias and fairness <- robustness
24 flow of participants <- flow
25 baseline features of each partition <- people
26a severity of disease
26b alternative diagnoses <- imbalance
27 time and treatment between the tests
28 whether the data represent the intended use
29 how external data differ <- external
30 cross tabulation <- confusion
31 estimates with their precision <- precision
32 adverse events
33 limitations <- limits
34 implications for practice
35 ethics and fairness of use
36 registration
37 protocol
38 funding
39 commercial interests
40a availability of data and code <- availability
40b storage and audit of outputs <- audit
"""

GUIDELINES = {"CLAIM 2024": CLAIM, "TRIPOD+AI": TRIPOD, "STARD-AI": STARD}

CHECKED = {
    "CLAIM 2024": "CLAIM 2024 update, 44 items. Numbers agree with two public copies of the list; "
    "they were not compared with the article.",
    "TRIPOD+AI": "TRIPOD+AI 2024, 27 items in 52 rows. Numbers agree with one public copy of the "
    "expanded checklist; they were not compared with the article.",
    "STARD-AI": "STARD-AI 2025, 40 items in 48 rows. Numbers agree with one public copy that says "
    "it was checked against table 2; they were not compared with the article.",
}
"""How far the numbers of a list were verified."""
