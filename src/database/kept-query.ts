// A query that is asked at nearly every turn: Kysely builds and words it once, and only its values change. To build one anew
// costs several times what SQLite needs to answer it.

import {
  type Compilable,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type CompiledQuery,
} from 'kysely';

type Value = string | number | null;

/** Stands for a value while the query is worded. */
class Place {
  readonly index: number;

  constructor(index: number) {
    this.index = index;
  }
}

/** `build` gets a stand-in for each value: it must hand them to the query as they are, and look at none of them. */
export function keepQuery<Schema, Values extends readonly Value[], Row>(
  build: (db: Kysely<Schema>, ...values: Values) => Compilable<Row>,
): (db: Kysely<Schema>, ...values: Values) => Promise<Row[]> {
  let kept: CompiledQuery<Row> | undefined;
  return async (db, ...values) => {
    kept ??= word(build, values.length);
    const parameters = kept.parameters.map((one) => (one instanceof Place ? values[one.index] : one));
    return (await db.executeQuery<Row>({ ...kept, parameters })).rows;
  };
}

function word<Schema, Values extends readonly Value[], Row>(
  build: (db: Kysely<Schema>, ...values: Values) => Compilable<Row>,
  count: number,
): CompiledQuery<Row> {
  const dialect = {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db: Kysely<never>) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
  const places = Array.from({ length: count }, (_, index) => new Place(index)) as unknown as Values;
  return build(new Kysely<Schema>({ dialect }), ...places).compile();
}
