// Many mailboxes, aliases, members or recipients of one domain at once, from a text. The check does all of it and leaves
// nothing behind, so that what it tells of each row is what would come of it: limits, loops, what is there already.

import { Type } from 'typebox';
import type { BulkMailbox } from '../../directory/bulk-mailboxes.ts';
import type { BulkOutcome } from '../../directory/bulk-outcome.ts';
import type { DirectoryView } from '../../directory/directory-view.ts';
import { addressKey, parseAddress, parseHostedAddress } from '../../directory/mail-address.ts';
import { DirectoryRefusedError } from '../../directory/refusal.ts';
import { hashMadePassword, hashPassword } from '../../auth/password-scheme.ts';
import {
  type PastedAccount,
  type PastedAddress,
  readPastedAccounts,
  readPastedAddresses,
} from '../../interop/import/pasted-rows.ts';
import { checkNewPassword, makePassword } from '../new-passwords.ts';
import { type OperationContext, operation } from '../operation.ts';
import { actorOf } from '../principal.ts';
import { fail, failMissing } from '../problem.ts';
import { wordsWithin } from '../refusal-within.ts';
import { address, anyText, count, domainName, object, optional, yes } from '../schemas.ts';
import { domainOf } from './mailboxes.ts';

/** One transaction, which nobody else's waits for long. */
const maxRows = 5000;
/** Each takes tens of milliseconds to be hashed. */
const maxTypedPasswords = 200;
/** Of a list, as the directory has it. */
const maxMembers = 50_000;

const kind = Type.Enum(['mailbox', 'alias', 'member', 'recipient'], {
  description: 'mailbox and alias: CSV may hold both; member: of `list`; recipient: of a relay domain.',
});
const given = {
  name: domainName(),
  kind,
  list: optional(address('The mailing list whose members they are.')),
  text: Type.String({
    description: 'CSV whose first row names the columns (address, targets, password, name, quota …), or lines.',
    maxLength: 2 * 1024 * 1024,
  }),
};
const row = object({
  line: count('From 1.'),
  address: anyText('As it was read.', 2000),
  outcome: Type.Enum(['added', 'unchanged', 'differs', 'wrong'], {
    description: 'unchanged and differs: it is there already, and stays as it is.',
  }),
  reason: optional(anyText('Why it is wrong, how it differs, or what to know of it.', 4000)),
});
const counts = {
  rows: Type.Array(row),
  added: count('Rows.'),
  there: count('Rows that are there already.'),
  wrong: count('Rows.'),
};
const access = {
  who: 'domain',
  domains: ({ name, list }: { readonly name: string; readonly list?: string }) =>
    list === undefined ? [name] : [name, domainOf(list)],
} as const;

type Outcome = 'added' | 'unchanged' | 'differs' | 'wrong';
interface Row {
  readonly line: number;
  readonly address: string;
  readonly outcome: Outcome;
  readonly reason?: string;
}

interface Given {
  readonly name: string;
  readonly kind: 'mailbox' | 'alias' | 'member' | 'recipient';
  readonly list?: string;
  readonly text: string;
}

interface Read {
  readonly input: Given;
  readonly domain: string;
  readonly accounts: readonly PastedAccount[];
  readonly addresses: readonly PastedAddress[];
  /** By address key: passwords that were typed or made. */
  readonly passwords: ReadonlyMap<string, { readonly password: string; readonly isMade: boolean }>;
}

export const domainImportOperations = [
  operation({
    name: 'domain.import-check',
    summary: 'Say what would come of each row of a text with many mailboxes, aliases, members or recipients.',
    method: 'POST',
    path: '/domains/{name}/import/check',
    input: object(given),
    output: object(counts),
    access,
    kind: 'read',
    run: async (input, context) => {
      // What is kept of a password is not computed for a check.
      const read = await readText(input, context, async () => '!');
      const { directory, principal } = context;
      const rows = await directory.rehearse(actorOf(principal), async (view) => await addAll(read, view, context));
      return counted(rowsWithin(rows, context, input));
    },
  }),
  operation({
    name: 'domain.import',
    summary: 'Add many mailboxes, aliases, members or recipients of a domain at once, in one revision.',
    method: 'POST',
    path: '/domains/{name}/import',
    input: object({ ...given, onlyGood: optional(yes('Leave wrong rows out; without, one wrong row stops all.')) }),
    output: object({
      ...counts,
      passwords: Type.Array(object({ address: address(), password: anyText('Nobody can see it again.') })),
    }),
    access,
    kind: 'change',
    prepare: async (input, context) => {
      const { onlyGood = false, ...rest } = input;
      return { onlyGood, read: await readText(rest, context, hashPassword) };
    },
    run: async ({ onlyGood, read }, context) => {
      const done = counted(rowsWithin(await addAll(read, context.view, context), context, read.input));
      if (done.wrong > 0 && !onlyGood) {
        const first = done.rows.find(({ outcome }) => outcome === 'wrong');
        fail(422, 'refused', `${done.wrong} of ${done.rows.length} rows cannot be added, so none was`, {
          field: 'text',
          mend: `line ${first?.line}: ${first?.reason}; or add the good ones alone: onlyGood`,
        });
      }
      const isAdded = new Set(done.rows.filter(({ outcome }) => outcome === 'added').map((one) => keyOf(one.address)));
      const fresh = [...read.passwords].filter(([key]) => isAdded.has(key));
      const { server, afterwards } = context;
      afterwards(async () => {
        for (const [key, { password }] of fresh) await server.keepScramKeys(key, password);
      });
      const passwords = fresh
        .filter(([, { isMade }]) => isMade)
        .map(([key, { password }]) => ({ address: key, password }));
      return { ...done, passwords };
    },
  }),
];

/** Throws ProblemError for what cannot be done at all. */
async function readText(
  input: Given,
  { directory }: Pick<OperationContext, 'directory'>,
  hash: (password: string) => Promise<string>,
): Promise<Read> {
  const domain = (await directory.domains.show(input.name))?.name ?? failMissing();
  if ((input.kind === 'member') !== (input.list !== undefined)) {
    fail(422, 'missing-field', 'members are of a list: name it, and for nothing else', { field: 'list' });
  }
  const passwords = new Map<string, { password: string; isMade: boolean }>();
  if (input.kind === 'member' || input.kind === 'recipient') {
    const addresses = readPastedAddresses(input.text, domain, maxRows);
    refuseSize(addresses.length);
    return { input, domain, accounts: [], addresses, passwords };
  }
  let typed = 0;
  const accounts = await readPastedAccounts(input.text, { domain, kind: input.kind, limit: maxRows }, async (one) => {
    checkNewPassword(one, 'text');
    if (++typed > maxTypedPasswords) {
      fail(422, 'too-large', `a text has at most ${maxTypedPasswords} passwords`, {
        field: 'text',
        mend: 'leave the column out: passwords are made then, and given to you once',
      });
    }
    return await hash(one);
  });
  refuseSize(accounts.length);
  for (const { address: own, account, typed: password } of accounts) {
    if (account.kind !== 'mailbox') continue;
    if (password !== '') passwords.set(keyOf(own), { password, isMade: false });
    else if (account.value.passwordHash === undefined) {
      passwords.set(keyOf(own), { password: makePassword(), isMade: true });
    }
  }
  return { input, domain, accounts, addresses: [], passwords };
}

function refuseSize(length: number): void {
  if (length === 0) fail(422, 'invalid-field', 'there is no row in it', { field: 'text' });
  if (length <= maxRows) return;
  fail(422, 'too-large', `at most ${maxRows} rows at once`, {
    field: 'text',
    mend: 'take it in parts, or on the host: posthaste import csv FILE',
  });
}

async function addAll(read: Read, view: DirectoryView, context: OperationContext): Promise<Row[]> {
  const { kind: of } = read.input;
  if (of === 'recipient') return await addRecipients(read, view);
  if (of === 'member') return await addMembers(read, view);
  return await addAccounts(read, view, context);
}

async function addAccounts({ accounts, passwords }: Read, view: DirectoryView, context: OperationContext) {
  const rows: (Row | undefined)[] = accounts.map(({ line, address: own, account }) => {
    if (account.kind !== 'wrong') return undefined;
    const { column, reason } = account;
    return { line, address: own, outcome: 'wrong', reason: column === '' ? reason : `${column}: ${reason}` };
  });
  const settle = (places: readonly number[], outcomes: readonly BulkOutcome[]): void => {
    for (const [index, place] of places.entries()) {
      const { line, address: own } = accounts[place] as PastedAccount;
      rows[place] = { line, address: own, ...told(outcomes[index] as BulkOutcome) };
    }
  };
  // Mailboxes first, whatever the order of the rows: an alias at a mailbox's address is refused before it.
  const boxes = accounts.flatMap(({ account }, index) => (account.kind === 'mailbox' ? [index] : []));
  const values = boxes.map((index) => withMade(accounts[index] as PastedAccount, passwords));
  settle(boxes, await view.bulk.mailboxes(values, { keepsLimits: true }));
  const aliases = accounts.flatMap(({ account }, index) => (account.kind === 'alias' ? [{ index, account }] : []));
  const added = await view.bulk.aliases(
    aliases.map(({ account }) => account.value),
    { keepsLimits: true },
  );
  settle(
    aliases.map(({ index }) => index),
    added,
  );
  const here = new Set(accounts.map(({ address: own }) => keyOf(own)));
  for (const { index, account } of aliases) {
    const own = account.value.targets.filter((target) => context.sight.address(target));
    const unknown = context.directory.unknownTargets(own).filter((target) => !here.has(keyOf(target)));
    const of = rows[index];
    if (of?.outcome === 'added' && unknown.length > 0) {
      rows[index] = { ...of, reason: `leads to nobody: ${unknown.slice(0, 5).join(', ')}` };
    }
  }
  return rows.filter((one) => one !== undefined);
}

function withMade({ address: own, account }: PastedAccount, passwords: Read['passwords']): BulkMailbox {
  const value = (account as Extract<PastedAccount['account'], { kind: 'mailbox' }>).value;
  const made = passwords.get(keyOf(own));
  return made?.isMade !== true ? value : { ...value, madePasswordHash: hashMadePassword(made.password) };
}

function told(outcome: BulkOutcome): { readonly outcome: Outcome; readonly reason?: string } {
  if (outcome.kind === 'refused') return { outcome: 'wrong', reason: outcome.reason };
  if (outcome.kind === 'differs') return { outcome: 'differs', reason: outcome.difference };
  if (outcome.kind === 'unchanged' || outcome.without === undefined) return { outcome: outcome.kind };
  return { outcome: 'added', reason: `without ${outcome.without}: ${outcome.reason ?? ''}` };
}

async function addRecipients({ addresses, domain }: Read, view: DirectoryView): Promise<Row[]> {
  const { rows, good } = parsed(addresses, (text) => {
    const own = parseHostedAddress(text);
    return own.domain === domain ? addressKey(own) : undefined;
  });
  const added = new Set((await view.relayRecipients.add([...good.keys()])).map((one) => keyOf(one.address)));
  return finished(rows, good, (key) => (added.has(key) ? 'added' : 'unchanged'));
}

async function addMembers({ addresses, input }: Read, view: DirectoryView): Promise<Row[]> {
  const list = input.list ?? '';
  const present = new Set<string>();
  for (let after: string | undefined; ; ) {
    const page = await view.lists.members(list, after, 1000);
    for (const one of page) present.add(keyOf(one));
    after = page.at(-1);
    if (page.length < 1000) break;
  }
  const { rows, good } = parsed(addresses, (text) => addressKey(parseAddress(text)));
  const fresh = [...good.keys()].filter((key) => !present.has(key));
  const room = Math.max(0, maxMembers - present.size);
  const refused = new Map<string, string>();
  for (const key of fresh.splice(room)) refused.set(key, `${list} would have more than ${maxMembers} members`);
  await addGood(fresh, async (some) => void (await view.lists.addMembers(list, some)), refused);
  return finished(rows, good, (key) => refused.get(key) ?? (present.has(key) ? 'unchanged' : 'added'));
}

/** All at once; what is refused is found by halves. */
async function addGood(
  keys: readonly string[],
  add: (some: readonly string[]) => Promise<void>,
  refused: Map<string, string>,
): Promise<void> {
  if (keys.length === 0) return;
  try {
    await add(keys);
  } catch (error) {
    if (!(error instanceof DirectoryRefusedError)) throw error;
    const [only] = keys;
    if (keys.length === 1 && only !== undefined) return void refused.set(only, error.message);
    const half = keys.length >> 1;
    await addGood(keys.slice(0, half), add, refused);
    await addGood(keys.slice(half), add, refused);
  }
}

interface Parsed {
  readonly rows: (Row | undefined)[];
  /** The places of each address. */
  readonly good: ReadonlyMap<string, readonly PastedAddress[]>;
}

/** `read` gives undefined for an address of another domain. */
function parsed(addresses: readonly PastedAddress[], read: (text: string) => string | undefined): Parsed {
  const good = new Map<string, PastedAddress[]>();
  const rows = addresses.map((one): Row | undefined => {
    try {
      const key = read(one.address);
      if (key === undefined) return { ...one, outcome: 'wrong', reason: 'it is not an address of this domain' };
      const known = good.get(key);
      if (known === undefined) good.set(key, [one]);
      else known.push(one);
      return undefined;
    } catch (error) {
      if (!(error instanceof DirectoryRefusedError)) throw error;
      return { ...one, outcome: 'wrong', reason: error.message };
    }
  });
  return { rows, good };
}

/** `outcomeOf` gives a reason for what is wrong. What stands there twice is there the second time. */
function finished(rows: Parsed['rows'], good: Parsed['good'], outcomeOf: (key: string) => string): Row[] {
  const all = rows.filter((one) => one !== undefined);
  for (const [key, places] of good) {
    const outcome = outcomeOf(key);
    const isWord = outcome === 'added' || outcome === 'unchanged';
    for (const [index, one] of places.entries()) {
      if (!isWord) all.push({ ...one, outcome: 'wrong', reason: outcome });
      else all.push({ ...one, outcome: index > 0 ? 'unchanged' : outcome });
    }
  }
  return all.toSorted((one, other) => one.line - other.line);
}

/** Why something is refused may name what leads where elsewhere. */
function rowsWithin(rows: readonly Row[], { sight }: Pick<OperationContext, 'sight'>, input: Given): Row[] {
  return rows.map((one) =>
    one.reason === undefined ? one : { ...one, reason: wordsWithin(one.reason, sight, input.text) },
  );
}

function counted(rows: readonly Row[]) {
  const of = (...outcomes: readonly Outcome[]) => rows.filter(({ outcome }) => outcomes.includes(outcome)).length;
  return { rows, added: of('added'), there: of('unchanged', 'differs'), wrong: of('wrong') };
}

/** As the directory compares addresses; what is none is itself. */
function keyOf(text: string): string {
  try {
    return addressKey(parseAddress(text));
  } catch (error) {
    if (!(error instanceof DirectoryRefusedError)) throw error;
    return text;
  }
}
