// An operation: what people and tools can ask of the host, whatever they ask through. It says by itself what it takes and
// gives (typebox schemas, from which routes and their description are made), and who may ask for it: authorisation is
// checked in one place (authorize.ts) before `run`, and a test asks every operation as everybody.

import type { Static, TObject, TSchema } from 'typebox';
import type { Directory } from '../directory/directory.ts';
import type { DirectoryView } from '../directory/directory-view.ts';
import type { Site } from './passkeys.ts';
import type { Principal, Sight } from './principal.ts';
import type { ServerParts } from './server-parts.ts';

/**
 * Each step takes in those before. `anyone`: nobody need be logged in. `known`: whoever is logged in. `user`: the owner of
 * the mailbox that `mailbox` names, and administrators of its domain. `domain`: administrators of the domains that
 * `domains` names; one that names none must look at nothing but what the context's `sight` allows. `host`: the host's.
 */
export type Access<Input> =
  | { readonly who: 'anyone' | 'known' | 'host' }
  | {
      readonly who: 'user';
      readonly mailbox: (input: Input) => string;
      /** The only fields that the owner may give, besides those of the path. */
      readonly ownFields?: readonly string[];
    }
  | { readonly who: 'domain'; readonly domains: (input: Input) => readonly string[] };

export interface OperationContext {
  readonly principal: Principal;
  readonly sight: Sight;
  /** For a change: one transaction, which is durable before anybody hears of it. */
  readonly view: DirectoryView;
  /** For what reads beyond a view. */
  readonly directory: Directory;
  readonly server: ServerParts;
  /** What it asks with, for people: a browser's name. */
  readonly program: string;
  /** Where it asks. */
  readonly site: Site;
  /** What a browser keeps afterwards; undefined takes it away. */
  readonly setSession: (secret: string | undefined) => void;
  /**
   * Throws where what is to be changed is not as the caller has seen it (If-Match). Done before a change is run; an act does
   * it itself, where nobody else can come between.
   */
  readonly checkSeen: () => Promise<void>;
  /** To be done when the change is durable. */
  readonly afterwards: (work: () => Promise<void>) => void;
}

export type PrepareContext = Omit<OperationContext, 'view' | 'checkSeen'>;

export interface Operation<Input, Prepared = Input> {
  /** As the command line has it: `mailbox.add` is `posthaste mailbox add`. */
  readonly name: string;
  readonly summary: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Below /api/v1; `{name}` is a field of the input. */
  readonly path: string;
  readonly input: TObject;
  readonly output: TSchema;
  readonly access: Access<Input>;
  /** `read`: nothing changes. `change`: of the directory, in one transaction. `act`: anything else. */
  readonly kind: 'read' | 'change' | 'act';
  /** Only somebody who has logged in as a person: no token. */
  readonly isPersonal?: boolean;
  /** The operation that shows what this one changes, by the same input: its ETag is what If-Match is compared with. */
  readonly shownBy?: string;
  /** Fields of the answer that change while nobody changes the object: If-Match is not about them. */
  readonly passing?: readonly string[];
  /** Before the transaction: what takes long, as to hash a password. */
  readonly prepare?: (input: Input, context: PrepareContext) => Promise<Prepared>;
  readonly run: (input: Prepared, context: OperationContext) => Promise<unknown>;
}

/** What the list of all has in common. */
export type AnyOperation = Operation<never>;

interface Definition<Input extends TObject, Prepared> extends Omit<Operation<Static<Input>, Prepared>, 'input'> {
  readonly input: Input;
}

/** Checks the types of an operation against its schema. */
export function operation<Input extends TObject, Prepared = Static<Input>>(
  definition: Definition<Input, Prepared>,
): AnyOperation {
  return definition as unknown as AnyOperation;
}

/** `mailbox:read`, `mailbox:write`: what a token must have. */
export function scopeOf({ name, kind }: Pick<AnyOperation, 'name' | 'kind'>): string {
  return `${areaOf(name)}:${kind === 'read' ? 'read' : 'write'}`;
}

export function areaOf(name: string): string {
  return name.slice(0, name.indexOf('.'));
}

/** Of each path, since every request asks. */
const fieldsOfPaths = new Map<string, readonly string[]>();

export function pathFields(path: string): readonly string[] {
  const known = fieldsOfPaths.get(path);
  if (known !== undefined) return known;
  const fields = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  fieldsOfPaths.set(path, fields);
  return fields;
}
