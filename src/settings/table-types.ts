// The table types that can be opened so far, for `postconf -m`; tables/registry.ts opens them (a test compares).

export const supportedTableTypes: readonly string[] = [
  'directory',
  'fail',
  'hash',
  'inline',
  'proxy',
  'static',
  'texthash',
  'unix',
];
