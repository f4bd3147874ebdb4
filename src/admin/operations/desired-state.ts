// The directory as text, and what a change would do to mail before it is made. Passwords' hashes are in no dump here: a
// token that leaks is no list of them (posthaste dump --with-hashes, on the host).

import { Type } from 'typebox';
import type { Directory } from '../../directory/directory.ts';
import type { DirectoryView } from '../../directory/directory-view.ts';
import { type Applied, applyDesired, ApplyRefusedError } from '../../interop/desired/apply.ts';
import { dump } from '../../interop/desired/dump.ts';
import { type DesiredState, readDesired } from '../../interop/desired/read-desired.ts';
import { plannedAreas } from '../../proof/plan/types.ts';
import { authorize } from '../authorize.ts';
import { checkInput } from '../check-input.ts';
import { type AnyOperation, areaOf, type Operation, type OperationContext, operation } from '../operation.ts';
import { planSchema, shownPlan } from '../plan-schema.ts';
import { fail, failMissing } from '../problem.ts';
import { planViewOf, planWithin } from '../plan-sight.ts';
import { readMark } from '../revision-marks.ts';
import { checkMayRevert, revertWithin } from '../revision-sight.ts';
import { anyText, count, domainName, object, optional, words, yes } from '../schemas.ts';
import { revisionMark } from './revisions.ts';

/** A larger directory is dumped on the host, or domain by domain. */
const maxDump = 32 * 1024 * 1024;

const yaml = Type.String({ description: 'YAML as a dump has it.', maxLength: 4 * 1024 * 1024 });
const prune = optional(yes('Take away what it does not name in the domains that it names.'));

/** Of addresses, warnings and rights: beyond it there are counts. */
const maxPlanned = 20_000;

export const desiredStateOperations = [
  operation({
    name: 'directory.dump',
    summary: 'Give the directory as YAML, without passwords.',
    method: 'GET',
    path: '/directory',
    input: object({ domain: optional(domainName('This one only, with its alias domains.')) }),
    output: object({ yaml: Type.String({ description: 'The text.' }) }),
    access: { who: 'host' },
    kind: 'read',
    run: async ({ domain }, { view }) => {
      const info = domain === undefined ? undefined : ((await view.domains.show(domain)) ?? failMissing());
      const pieces: string[] = [];
      let length = 0;
      for await (const piece of dump(view, { withHashes: false, ...(info && { domain: info.name }) })) {
        pieces.push(piece);
        length += piece.length;
        if (length <= maxDump) continue;
        fail(422, 'too-large', 'the directory is too large to be given at once', {
          mend: 'ask for one domain at a time, or on the host: posthaste dump',
        });
      }
      return { yaml: pieces.join('') };
    },
  }),
  operation({
    name: 'directory.apply',
    summary: 'Make the directory what a text says, whole or not at all.',
    method: 'POST',
    path: '/directory/apply',
    input: object({ yaml, prune }),
    output: object({
      added: count('Objects that were not there.'),
      changed: count('Objects that were otherwise.'),
      removed: count('Objects that are gone.'),
      same: count('Objects that were so already.'),
      withoutPassword: words('Mailboxes to which nobody can log in yet.', 1_000_000),
    }),
    access: { who: 'host' },
    kind: 'change',
    prepare: async (input) => ({ ...input, desired: readDesired(input.yaml) }),
    run: async ({ desired, prune: isPruned = false }, { view, server }) =>
      await applied(view, desired, isPruned, server.restrictionClasses()),
  }),
];

interface Wanted {
  readonly operation?: string;
  readonly input?: Readonly<Record<string, unknown>>;
  readonly revision?: number | string;
  readonly yaml?: string;
  readonly prune?: boolean;
}

/** `all` are the operations that a plan may try. */
export function planOperations(all: readonly AnyOperation[]): AnyOperation[] {
  const plannable = new Map(
    all
      .filter(({ kind, name }) => kind === 'change' && plannedAreas.includes(areaOf(name)))
      .map((one) => [one.name, one]),
  );
  return [
    operation({
      name: 'directory.plan',
      summary: 'Say what a change would do to mail, without making it: an operation, a revert, or a text for apply.',
      method: 'POST',
      path: '/directory/plan',
      input: object({
        operation: optional(anyText('The operation: alias.add.', 100)),
        input: optional(Type.Record(Type.String(), Type.Unknown(), { description: 'What it would be given.' })),
        revision: optional(revisionMark),
        yaml: optional(yaml),
        prune,
        limit: optional(
          Type.Integer({ description: 'Addresses told at most; all without.', minimum: 1, maximum: maxPlanned }),
        ),
      }),
      output: planSchema,
      // What it may be of is asked of the operation that it tries.
      access: { who: 'domain', domains: () => [] },
      kind: 'read',
      run: async ({ limit = maxPlanned, ...wanted }, context) => {
        const work = await trialOf(wanted, plannable, context);
        const { sight, principal, server } = context;
        const plan = await server.plan(work, { view: planViewOf(sight), asker: principal.login });
        return shownPlan(planWithin(plan, sight), limit, sight.seesAll);
      },
    }),
  ];
}

/** What is slow is done here, before the directory is held for it. */
async function trialOf(
  { operation: name, input = {}, revision, yaml: text, prune: isPruned = false }: Wanted,
  plannable: ReadonlyMap<string, AnyOperation>,
  context: OperationContext,
): Promise<(directory: Directory) => Promise<unknown>> {
  const given = [name, revision, text].filter((one) => one !== undefined);
  if (given.length !== 1)
    fail(422, 'missing-field', 'give one of operation, revision and yaml', { field: 'operation' });
  if (revision !== undefined) {
    const { sight, directory: now } = context;
    const number = readMark(revision, sight, now.lookups) ?? failMissing();
    await checkMayRevert(now, number, sight);
    return async (directory) => await revertWithin(sight, () => directory.revert(number));
  }
  if (text !== undefined) {
    if (!context.sight.seesAll) fail(403, 'not-allowed', 'only an administrator of the host may apply a text');
    const desired = readDesired(text);
    const classes = context.server.restrictionClasses();
    return async (directory) => await applied(directory, desired, isPruned, classes);
  }
  const found = plannable.get(name ?? '');
  if (found === undefined) {
    fail(422, 'invalid-field', `a plan cannot try "${name}"`, {
      field: 'operation',
      mend: `it can: ${[...plannable.keys()].join(', ')}`,
    });
  }
  const tried = found as unknown as Operation<Readonly<Record<string, unknown>>>;
  // Nothing that a change does afterwards is done: no key is kept, no session begun.
  const idle = { ...context, afterwards: () => undefined, setSession: () => undefined };
  const checked = checkInput(found, input);
  // The token's scope is the plan's own: nothing is changed.
  const { scopes: _, ...asker } = context.principal;
  authorize(found, asker, checked, context.directory.lookups);
  const prepared = tried.prepare === undefined ? checked : await tried.prepare(checked, idle);
  return async (directory) => await tried.run(prepared, { ...idle, directory, view: directory });
}

async function applied(
  view: DirectoryView,
  desired: DesiredState,
  isPruned: boolean,
  restrictionClasses: readonly string[],
): Promise<Applied> {
  try {
    return await applyDesired(view, desired, { prune: isPruned, restrictionClasses });
  } catch (error) {
    if (!(error instanceof ApplyRefusedError)) throw error;
    fail(422, 'refused', error.message, { field: 'yaml' });
  }
}
