// Whose outcome a change may alter: found from the rows that it touches, never by looking at the whole directory. The rows
// give addresses and domains; from there back along everything that leads to them (aliases, alias domains, forwards,
// whole-domain targets), in the directory without the change and with it. For what has no name, as unknown users,
// extensions and subdomains, an address that nobody has stands for the class.

import type { Directory, Trial } from '../../directory/directory.ts';
import { placeOf } from '../../directory/reverse.ts';
import type { Row, TouchedRows } from '../../directory/touched-rows.ts';
import type { Subject } from './types.ts';

export interface Subjects {
  readonly subjects: readonly Subject[];
  /** Addresses and `@domain` of which to ask who may send as them. */
  readonly senders: readonly string[];
  /** What is not judged, in sentences. */
  readonly notes: readonly string[];
}

/** Beyond so many addresses a plan says that there are more. */
const maxAddresses = 20_000;
/** Of a domain that changes as a whole, and of what leads to one address. */
const maxOfDomain = 5000;
const nobody = 'nobody-has-this-name';
const someExtension = 'any-extension';

interface Seeds {
  /** Folded addresses; `@domain` is whoever is not otherwise known there. */
  readonly addresses: Set<string>;
  /** All that stands in them. */
  readonly domains: Set<string>;
  /** The names below them. */
  readonly parents: Set<string>;
  readonly senders: Set<string>;
  readonly notes: Set<string>;
}

export async function findSubjects(trial: Trial<unknown>, delimiters: string): Promise<Subjects> {
  const seeds: Seeds = {
    addresses: new Set(),
    domains: new Set(),
    parents: new Set(),
    senders: new Set(),
    notes: new Set(),
  };
  const sides = [trial.before, trial.after];
  for (const [name, table] of trial.touched) {
    const rows = [...table.before, ...table.after];
    const read = readers[name];
    if (read === undefined) seeds.notes.add(`what a change of ${name} means is not judged`);
    else await read(seeds, rows, { sides, touched: trial.touched });
  }
  await addDomains(seeds, sides);
  const senders = new Set([...seeds.senders, ...seeds.addresses]);
  await addLeadingTo(seeds, sides);
  return { subjects: asSubjects(seeds, sides, delimiters), senders: [...senders], notes: [...seeds.notes] };
}

interface Reading {
  readonly sides: readonly Directory[];
  readonly touched: TouchedRows;
}

type Reader = (seeds: Seeds, rows: readonly Row[], reading: Reading) => Promise<void>;

const text = (row: Row, column: string): string => String(row[column] ?? '');

async function namesOf(rows: readonly Row[], column: string, { sides }: Reading): Promise<(row: Row) => string> {
  const names = new Map<number, string>();
  const ids = [...new Set(rows.map((row) => Number(row[column])))];
  for (const side of sides) for (const [id, name] of await side.reverse.domainNames(ids)) names.set(id, name);
  return (row) => names.get(Number(row[column])) ?? '';
}

function addAddress(seeds: Seeds, localpart: string, domain: string): void {
  if (domain !== '') seeds.addresses.add(`${localpart}@${domain}`);
}

/** Rows that stand at an address of one of our domains. */
const readLocal: Reader = async (seeds, rows, reading) => {
  const nameOf = await namesOf(rows, 'domain_id', reading);
  for (const row of rows) addAddress(seeds, text(row, 'localpart'), nameOf(row));
};

const readList: Reader = async (seeds, rows, reading) => {
  const nameOf = await namesOf(rows, 'domain_id', reading);
  for (const row of rows) {
    const [localpart, domain] = [text(row, 'localpart'), nameOf(row)];
    for (const one of [localpart, `owner-${localpart}`, `${localpart}-request`]) addAddress(seeds, one, domain);
  }
};

/** Rows of something that stands at an address: its targets, forwards, people. */
function readPartOf(table: 'alias' | 'list' | 'mailbox', column: string): Reader {
  return async (seeds, rows, { sides }) => {
    const ids = [...new Set(rows.map((row) => Number(row[column])))];
    for (const side of sides) {
      for (const { localpart, domain } of (await side.reverse.placesOf(table, ids)).values()) {
        addAddress(seeds, localpart, domain);
        if (table === 'list') addAddress(seeds, `owner-${localpart}`, domain);
      }
    }
  };
}

/** Rows that name an address or, without a local part, a domain, ours or not. */
const readPlace: Reader = async (seeds, rows) => {
  for (const row of rows) addPlace(seeds, text(row, 'localpart'), text(row, 'domain'));
};

function addPlace(seeds: Seeds, localpart: string, domain: string): void {
  if (domain === '*') seeds.notes.add('a transport of "*" holds for every address without one of its own');
  else if (localpart !== '') addAddress(seeds, localpart, domain);
  else if (domain.startsWith('.')) seeds.parents.add(domain.slice(1));
  else seeds.domains.add(domain);
}

const readDomain: Reader = async (seeds, rows) => {
  for (const row of rows) {
    const name = text(row, 'name');
    seeds.domains.add(name);
    // relay_domains matches the names below it too (parent_domain_matches_subdomains).
    if (row['kind'] === 'relay') seeds.parents.add(name);
  }
};

const readAccessRule: Reader = async (seeds, rows) => {
  for (const row of rows) {
    const pattern = text(row, 'pattern').toLowerCase();
    if (row['stage'] !== 'recipient') {
      seeds.notes.add(
        'rules for clients, HELO names and senders are not judged: explain --client, --helo and --sender is',
      );
    } else if (pattern.includes('@') && !pattern.endsWith('@')) seeds.addresses.add(pattern);
    else if (pattern.endsWith('@')) seeds.notes.add(`a rule for ${pattern} holds for that name in every domain`);
    else addPlace(seeds, '', pattern);
  }
};

const readBcc: Reader = async (seeds, rows) => {
  const ofSenders = rows.filter((row) => row['side'] === 'sender');
  if (ofSenders.length > 0) seeds.notes.add('copies of mail that an address sends are not judged: explain --sender is');
  await readPlace(
    seeds,
    rows.filter((row) => row['side'] !== 'sender'),
    { sides: [], touched: new Map() },
  );
};

const readSenderRight: Reader = async (seeds, rows) => {
  for (const row of rows) seeds.senders.add(`${text(row, 'localpart')}@${text(row, 'domain')}`);
};

const readSetting: Reader = async (seeds, rows) => {
  if (rows.some((row) => row['name'] === 'administrator')) {
    for (const name of ['postmaster', 'abuse', 'root']) seeds.addresses.add(name);
  }
  if (rows.some((row) => row['name'] === 'catch-all-may-send')) {
    seeds.notes.add('who gets the mail of a catch-all may send as every address of its domain, or no longer');
  }
};

const readNothing: Reader = async () => undefined;

const readers: Readonly<Record<string, Reader>> = {
  domain: readDomain,
  mailbox: readLocal,
  mailbox_forward: readPartOf('mailbox', 'mailbox_id'),
  alias: readLocal,
  alias_target: readPartOf('alias', 'alias_id'),
  alias_poster: readPartOf('alias', 'alias_id'),
  list: readList,
  list_person: readPartOf('list', 'list_id'),
  caught_address: readLocal,
  relay_recipient: readLocal,
  transport: readPlace,
  bcc: readBcc,
  access_rule: readAccessRule,
  sender_right: readSenderRight,
  setting: readSetting,
  tag: readNothing,
};

/** All that stands in a domain, its unknown users, and the domains below a parent. */
async function addDomains(seeds: Seeds, sides: readonly Directory[]): Promise<void> {
  for (const parent of seeds.parents) {
    for (const side of sides) for (const name of await side.reverse.domainsUnder(parent, 1000)) seeds.domains.add(name);
  }
  for (const domain of seeds.domains) {
    seeds.addresses.add(`@${domain}`);
    for (const side of sides) {
      // What an alias domain has is what its target has.
      const own = side.lookups.domain(domain)?.target?.name ?? domain;
      const { localparts, isCut } = await side.reverse.localpartsOf(own, maxOfDomain);
      for (const localpart of localparts) seeds.addresses.add(`${localpart}@${domain}`);
      if (isCut) seeds.notes.add(`of ${domain} the first ${maxOfDomain} mailboxes, aliases and lists were looked at`);
    }
  }
}

/** Everything that leads to the addresses, by any number of steps. */
async function addLeadingTo(seeds: Seeds, sides: readonly Directory[]): Promise<void> {
  let edge = [...seeds.addresses];
  const administrators = new Set(sides.map(administratorOf));
  while (edge.length > 0) {
    const next: string[] = [];
    const add = (address: string): void => {
      if (seeds.addresses.has(address) || seeds.addresses.size >= maxAddresses) return;
      seeds.addresses.add(address);
      next.push(address);
    };
    for (const address of edge) {
      if (!address.includes('@')) continue;
      if (administrators.has(address)) for (const name of ['postmaster', 'abuse', 'root']) add(name);
      const place = placeOf(address);
      for (const side of sides) {
        for (const pointer of await side.reverse.pointersTo(place, maxOfDomain)) add(pointer.address);
        // An alias may lead to an address that only the catch-all takes.
        if (place.localpart !== '') continue;
        for (const pointer of await side.reverse.aliasesInto(place.domain, maxOfDomain)) add(pointer.address);
      }
    }
    edge = next;
  }
  if (seeds.addresses.size >= maxAddresses) {
    seeds.notes.add(`more than ${maxAddresses} addresses may be concerned: the first of them were looked at`);
  }
}

/** Whom postmaster, abuse and root of the host itself reach. */
function administratorOf({ lookups }: Directory): string | undefined {
  const id = lookups.setting('administrator');
  return id === undefined ? undefined : lookups.mailboxById(Number(id))?.address;
}

function asSubjects(seeds: Seeds, sides: readonly Directory[], delimiters: string): Subject[] {
  const subjects: Subject[] = [];
  const domains = new Set<string>();
  for (const address of seeds.addresses) {
    const { localpart, domain } = placeOf(address);
    if (address.includes('@')) domains.add(domain);
    if (localpart === '' && address.startsWith('@')) continue;
    subjects.push({ kind: 'address', address });
    const canExtend = address.includes('@') && delimiters !== '' && !localpart.startsWith('"');
    if (!canExtend || sides.some((side) => side.lookups.splitAt(localpart) !== -1)) continue;
    const probe = `${localpart}${delimiters.charAt(0)}${someExtension}@${domain}`;
    subjects.push({ kind: 'extensions', of: address, probe });
  }
  for (const domain of [...domains].toSorted()) {
    subjects.push({ kind: 'others', domain, probe: `${unusedName(sides, domain)}@${domain}` });
  }
  for (const domain of [...seeds.parents].toSorted()) {
    subjects.push({ kind: 'subdomains', domain, probe: `${nobody}@${nobody}.${domain}` });
  }
  subjects.push({ kind: 'anywhere', probe: `${nobody}@${nobody}.invalid` });
  return subjects;
}

/** A local part that nobody has there. */
function unusedName(sides: readonly Directory[], domain: string): string {
  for (let number = 0; ; number++) {
    const name = number === 0 ? nobody : `${nobody}-${number}`;
    const isTaken = sides.some((side) => {
      const hosted = side.lookups.domain(domain);
      return hosted !== undefined && side.lookups.localAt(name, hosted) !== undefined;
    });
    if (!isTaken) return name;
  }
}
