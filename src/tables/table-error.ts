// A `type:name` that cannot be a table: unknown type, bad syntax. Found when the configuration is opened; whoever
// opens the table adds the parameter's name and where it stands.

export class TableError extends Error {
  override name = 'TableError';
}
