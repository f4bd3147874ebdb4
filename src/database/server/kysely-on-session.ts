// Kysely over one session with a server, for migrations: the same source makes the schema on SQLite and on servers. What
// SQLite alone has is left out, and what servers need is added (PortableSchema).

import {
  type ColumnDefinitionNode,
  type CompiledQuery,
  type CreateTableNode,
  type DatabaseConnection,
  type DataTypeNode,
  DefaultValueNode,
  type Dialect,
  type Driver,
  Kysely,
  type KyselyPlugin,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  OperationNodeTransformer,
  type OperationNode,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  RawNode,
  type RootOperationNode,
  type UnknownRow,
  ValueNode,
} from 'kysely';
import type { ServerSession, SqlResult, SqlValue } from './server-session.ts';

/** How a statement is run; `isDdl` tells those that MySQL commits by themselves. */
export type RunStatement = (sql: string, values: readonly SqlValue[], isDdl: boolean) => Promise<SqlResult>;

/** Statements go through `run`, one after the other. */
export function kyselyOnSession<Schema>(session: ServerSession, run?: RunStatement): Kysely<Schema> {
  const runStatement = run ?? ((sql, values) => session.query(sql, values));
  return new Kysely<Schema>({ dialect: dialectOf(session, runStatement), plugins: [new PortableSchema(session)] });
}

function dialectOf(session: ServerSession, run: RunStatement): Dialect {
  const createDriver = (): Driver => new SessionDriver(run);
  if (session.dialect === 'postgresql') {
    return {
      createDriver,
      createAdapter: () => new PostgresAdapter(),
      createQueryCompiler: () => new QuestionMarks(),
      createIntrospector: (db) => new PostgresIntrospector(db),
    };
  }
  return {
    createDriver,
    createAdapter: () => new MysqlAdapter(),
    createQueryCompiler: () => new MysqlQueryCompiler(),
    createIntrospector: (db) => new MysqlIntrospector(db),
  };
}

/** A session numbers its values itself. */
class QuestionMarks extends PostgresQueryCompiler {
  protected override getCurrentParameterPlaceholder(): string {
    return '?';
  }
}

class SessionDriver implements Driver {
  readonly #connection: DatabaseConnection;

  constructor(run: RunStatement) {
    this.#connection = {
      executeQuery: async <R>({ sql, parameters, query }: CompiledQuery): Promise<QueryResult<R>> => {
        const isDdl = /^(Create|Alter|Drop)/.test(query.kind);
        const { rows, fields, affected } = await run(sql, parameters as SqlValue[], isDdl);
        const objects = rows.map((row) => Object.fromEntries(fields.map((name, index) => [name, row[index]])) as R);
        return { rows: objects, numAffectedRows: BigInt(affected) };
      },
      // oxlint-disable-next-line require-yield
      streamQuery: async function* () {
        throw new Error('nothing is streamed here');
      },
    };
  }

  async init(): Promise<void> {
    // The session is open.
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  async beginTransaction(): Promise<void> {
    throw new Error("the transaction is the session owner's");
  }

  async commitTransaction(): Promise<void> {
    throw new Error("the transaction is the session owner's");
  }

  async rollbackTransaction(): Promise<void> {
    throw new Error("the transaction is the session owner's");
  }

  async releaseConnection(): Promise<void> {
    // There is one, for as long as its owner keeps it.
  }

  async destroy(): Promise<void> {
    // The session is its owner's.
  }
}

class PortableSchema implements KyselyPlugin {
  readonly #transformer: PortableSchemaTransformer;

  constructor(session: ServerSession) {
    this.#transformer = new PortableSchemaTransformer(session);
  }

  transformQuery({ node }: PluginTransformQueryArgs): RootOperationNode {
    return this.#transformer.transformNode(node);
  }

  async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return result;
  }
}

/**
 * On servers ids are given by us (in their order over all nodes), whole numbers have 64 bits as SQLite's, a text may be as
 * long as SQLite's, and texts are compared by their octets, as SQLite does.
 */
class PortableSchemaTransformer extends OperationNodeTransformer {
  readonly #session: ServerSession;

  constructor(session: ServerSession) {
    super();
    this.#session = session;
  }

  protected override transformCreateTable(node: CreateTableNode): CreateTableNode {
    const { endModifiers = [], ...table } = super.transformCreateTable(node);
    const kept = endModifiers.filter((one) => !isRaw(one, /^without rowid$/i));
    const { dialect, collation } = this.#session;
    if (dialect === 'mysql') {
      kept.push(RawNode.createWithSql(`ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=${collation}`));
    }
    return { ...table, endModifiers: kept };
  }

  protected override transformColumnDefinition(node: ColumnDefinitionNode): ColumnDefinitionNode {
    const { autoIncrement = false } = node;
    const column = super.transformColumnDefinition({ ...node, autoIncrement: false });
    if (this.#session.dialect === 'mysql') {
      // Who gives no id gets one by a trigger (change-notes.ts), which a strict session lets come to nothing without this.
      return autoIncrement ? { ...column, defaultTo: DefaultValueNode.create(ValueNode.createImmediate(0)) } : column;
    }
    if (!isText(node.dataType)) return column;
    const collate = RawNode.createWithSql(`COLLATE ${this.#session.collation}`);
    return { ...column, frontModifiers: [...(column.frontModifiers ?? []), collate] };
  }

  protected override transformDataType(node: DataTypeNode): DataTypeNode {
    if (node.dataType === 'integer') return { ...node, dataType: 'bigint' };
    if (node.dataType === 'text' && this.#session.dialect === 'mysql') {
      // Its `text` ends at 64 KiB. No type of Kysely's, but what its compiler writes as it stands.
      return { ...node, dataType: 'longtext' as 'text' };
    }
    return node;
  }
}

function isRaw(node: OperationNode, pattern: RegExp): boolean {
  return node.kind === 'RawNode' && pattern.test((node as RawNode).sqlFragments.join('').trim());
}

function isText(node: OperationNode): boolean {
  return node.kind === 'DataTypeNode' && /^(varchar|char|text)/.test((node as DataTypeNode).dataType);
}
