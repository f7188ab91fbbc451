/* Which archive the viewer shows: the one behind the same address. */
window.config = {
  routerBasename: "/",
  extensions: [],
  modes: [],
  showStudyList: true,
  defaultDataSourceName: "archive",
  dataSources: [
    {
      namespace: "@ohif/extension-default.dataSourcesModule.dicomweb",
      sourceName: "archive",
      configuration: {
        friendlyName: "archive",
        name: "archive",
        qidoRoot: "/dicom-web",
        wadoRoot: "/dicom-web",
        wadoUriRoot: "/dicom-web",
        imageRendering: "wadors",
        thumbnailRendering: "wadors",
        enableStudyLazyLoad: true,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
      },
    },
  ],
};
