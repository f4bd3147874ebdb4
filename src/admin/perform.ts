// Has an operation done for somebody: reads the input, asks authorize(), and runs it. A change is one transaction, in which
// it is also compared with the state that the caller has seen (If-Match), and a repeated request (Idempotency-Key) is
// known again; so neither can be overtaken by another change.

import { createCipheriv, createDecipheriv, hash, hkdfSync, randomBytes } from 'node:crypto';
import type { Directory } from '../directory/directory.ts';
import type { DirectoryView } from '../directory/directory-view.ts';
import { authorize } from './authorize.ts';
import { checkInput } from './check-input.ts';
import type { AnyOperation, Operation, OperationContext, PrepareContext } from './operation.ts';
import { actorOf, type Principal } from './principal.ts';
import { fail } from './problem.ts';
import { refusalWithin } from './refusal-within.ts';
import { operationNamed } from './registry.ts';
import { markOf } from './revision-marks.ts';
import type { ServerParts } from './server-parts.ts';

type Input = Readonly<Record<string, unknown>>;

export interface Conditions {
  /** Entity tags of If-Match; `*` is any. */
  readonly ifMatch?: readonly string[];
  readonly idempotencyKey?: string;
}

export interface Performed {
  readonly output: unknown;
  /** It had been done before. */
  readonly isRepeated: boolean;
  /** What was changed, as revision.show and revision.revert have it; absent: nothing, or it is not theirs to know. */
  readonly revision?: string;
}

export interface AdminParts {
  readonly directory: Directory;
  readonly server: ServerParts;
}

/** An entity tag (RFC 9110 §8.8.3) of what an operation shows. What is passing stands in a part of its own, after a dot. */
export function entityTag({ passing }: Pick<AnyOperation, 'passing'>, output: unknown): string {
  const sum = (text = ''): string => hash('sha256', text, 'base64url').slice(0, 22);
  if (passing === undefined) return `"${sum(JSON.stringify(output))}"`;
  const lasting = JSON.stringify(output, (field, value) => (passing.includes(field) ? undefined : value));
  return `"${sum(lasting)}.${sum(JSON.stringify(output))}"`;
}

const lastingPart = (tag: string): string => tag.replace(/\..*$/, '');

/** Throws ProblemError, DirectoryRefusedError, TemporaryError. */
export async function perform(
  asked: AnyOperation,
  { directory, server }: AdminParts,
  principal: Principal,
  given: Input,
  conditions: Conditions = {},
  { setSession, program, site }: Pick<OperationContext, 'setSession' | 'program' | 'site'> = {
    setSession: () => undefined,
    program: '',
    site: { origin: '' },
  },
): Promise<Performed> {
  const operation = asked as unknown as Operation<Input>;
  const input = checkInput(asked, given);
  const sight = authorize(asked, principal, input, directory.lookups);
  const later: (() => Promise<void>)[] = [];
  const context = {
    principal,
    sight,
    directory,
    server,
    setSession,
    program,
    site,
    afterwards: (work: () => Promise<void>) => void later.push(work),
  };
  try {
    return await run(operation, input, context, conditions, later);
  } catch (error) {
    throw refusalWithin(error, sight, input);
  }
}

/** `later`: what is to be done when it is durable. */
async function run(
  operation: Operation<Input>,
  input: Input,
  context: PrepareContext,
  conditions: Conditions,
  later: readonly (() => Promise<void>)[],
): Promise<Performed> {
  const { principal, sight, directory } = context;
  const prepared = operation.prepare === undefined ? input : await operation.prepare(input, context);
  const actor = actorOf(principal);
  const withView = (view: DirectoryView): OperationContext => {
    const whole = { ...context, view, checkSeen: () => checkMatch(operation, input, whole, conditions.ifMatch) };
    return whole;
  };
  if (operation.kind !== 'change') {
    const view = operation.kind === 'read' ? directory : directory.as(actor);
    if (operation.kind === 'act') showerOf(operation, conditions.ifMatch);
    const output = await operation.run(prepared, withView(view));
    for (const work of later) await work();
    return { output, isRepeated: false };
  }
  const key = keyOf(operation.name, principal, input, conditions.idempotencyKey);
  const performed = await directory.whole(actor, async (view, change) => {
    const whole = withView(view);
    const kept = key && (await repeated(view, key));
    if (kept !== undefined) return { output: kept, isRepeated: true };
    await whole.checkSeen();
    const output = await operation.run(prepared, whole);
    if (key !== undefined) await keep(view, key, output);
    const isTold = change.revision !== 0 && (principal.role === 'host' || principal.role === 'domain');
    const told = isTold ? { revision: markOf(change.revision, sight, directory.lookups) } : {};
    return { output, isRepeated: false, ...told };
  });
  if (!performed.isRepeated) for (const work of later) await work();
  return performed;
}

async function checkMatch(
  operation: Operation<Input>,
  input: Input,
  context: OperationContext,
  ifMatch: readonly string[] | undefined,
): Promise<void> {
  const show = showerOf(operation, ifMatch);
  if (ifMatch === undefined || show === undefined) return;
  const current = entityTag(show, await show.run(input, context));
  if (ifMatch.includes('*') || ifMatch.some((tag) => lastingPart(tag) === lastingPart(current))) return;
  fail(412, 'changed-meanwhile', 'somebody else has changed this since you read it', {
    mend: 'read it again, and repeat your change on what it is now',
  });
}

/** What shows it where there is something to be compared. */
function showerOf(
  { name, shownBy }: Operation<Input>,
  ifMatch: readonly string[] | undefined,
): Operation<Input> | undefined {
  if (ifMatch === undefined) return undefined;
  if (shownBy === undefined) fail(400, 'no-if-match', 'If-Match has no meaning for this operation');
  const show = operationNamed(shownBy) as unknown as Operation<Input> | undefined;
  if (show === undefined) throw new Error(`${name}: there is no operation ${shownBy}`);
  return show;
}

interface RequestKey {
  readonly asker: string;
  readonly digest: string;
  readonly request: string;
  /** Only who knows the key can read the answer again: it may hold a secret. */
  readonly seal: Buffer;
}

function keyOf(name: string, principal: Principal, input: Input, key: string | undefined): RequestKey | undefined {
  if (key === undefined) return undefined;
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) {
    fail(400, 'idempotency-key', 'an Idempotency-Key is 1 to 200 printable ASCII characters', {
      field: 'Idempotency-Key',
    });
  }
  const { owner } = principal;
  const sum = (text: string): string => hash('sha256', text, 'base64url');
  return {
    asker: owner === undefined ? '-' : `${owner.kind} ${owner.id}`,
    digest: sum(key),
    request: sum(`${name} ${JSON.stringify(sorted(input))}`),
    seal: Buffer.from(hkdfSync('sha256', key, '', 'posthaste kept answer', 32)),
  };
}

async function repeated(view: DirectoryView, key: RequestKey): Promise<unknown> {
  const kept = await view.keptAnswers.find(key.asker, key.digest);
  if (kept === undefined) return undefined;
  if (kept.request !== key.request) {
    fail(422, 'idempotency-key-reused', 'this Idempotency-Key belongs to another request', {
      field: 'Idempotency-Key',
      mend: 'take a new key for each request, and the same one only to repeat it',
    });
  }
  const sealed = Buffer.from(kept.answer, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key.seal, sealed.subarray(0, 12));
  decipher.setAuthTag(sealed.subarray(12, 28));
  return JSON.parse(Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString()) as unknown;
}

async function keep(view: DirectoryView, { asker, digest, request, seal }: RequestKey, output: unknown): Promise<void> {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', seal, nonce);
  const text = Buffer.concat([cipher.update(JSON.stringify(output) ?? 'null'), cipher.final()]);
  const answer = Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64');
  await view.keptAnswers.keep(asker, digest, { request, status: 200, answer });
}

/** Members in one order, so that the same request is known again. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([one], [two]) => (one < two ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}
