// The proof at the end of an import: what a stranger's mail to an address gets from the old system's Postfix tables, and
// what it gets from the directory's, for every address that either knows and for those beside them (proof/). Both are
// asked under the same settings, by the server's own code, so that only the tables can make a difference.
//
// Equal is: both refuse, or both take it and deliver it to the same recipients by the same ways. The words of a refusal
// are the tables' taste, and so is where the old system kept its mail.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openRouting, type Routing } from '../access/open-routing.ts';
import type { RecipientPolicy } from '../access/recipient-policy.ts';
import type { Directory } from '../directory/directory.ts';
import type { DirectoryLookups } from '../directory/lookups.ts';
import { directoryTableOpener } from '../directory/tables.ts';
import type { OldSystem } from '../interop/import/import-source.ts';
import type { ImportTally } from '../interop/import/import-sink.ts';
import type { Log } from '../lib/log.ts';
import { candidateAddresses } from '../proof/candidate-addresses.ts';
import { Settings } from '../settings/settings.ts';
import { explainOne } from './explainer.ts';
import type { Explanation } from './explanation-tree.ts';

export interface ImportProof {
  /** Keys that the tables hold. */
  readonly keys: number;
  /** Addresses asked, those included. */
  readonly probes: number;
  readonly differing: number;
  /** Of those: with a reason that is known. */
  readonly explained: number;
  /** The smallest first, those that nothing explains before the others. */
  readonly differences: readonly ImportDifference[];
  /** Tables whose keys could not be told. */
  readonly untold: readonly string[];
}

export interface ImportDifference {
  readonly address: string;
  readonly old: string;
  readonly here: string;
  /** Why, where that is known. */
  readonly reason?: string;
}

const maxShown = 20;
const maxWarnings = 5;
/** Decisions at a time: enough to keep a database server busy. */
const concurrency = 32;

const directorySettings = {
  virtual_mailbox_domains: 'directory:mailbox-domains',
  virtual_alias_domains: 'directory:alias-domains',
  virtual_alias_maps: 'directory:virtual-aliases',
  virtual_mailbox_maps: 'directory:mailboxes',
  relay_domains: 'directory:relay-domains',
  relay_recipient_maps: 'directory:relay-recipients',
  transport_maps: 'directory:transports',
};

const silent = {
  smtpd_client_restrictions: '',
  smtpd_helo_restrictions: '',
  smtpd_sender_restrictions: '',
  smtpd_recipient_restrictions: '',
  smtpd_data_restrictions: '',
  smtpd_end_of_data_restrictions: '',
  smtpd_relay_restrictions: 'reject_unauth_destination',
};

export interface ProofOptions {
  readonly old: OldSystem;
  readonly directory: Directory;
  readonly tally: ImportTally;
  /** Of the configuration that the directory belongs to. */
  readonly settings: Settings;
  readonly log: Log;
  readonly onProgress: (done: number, all: number) => void;
}

/** Throws TemporaryError where the old tables cannot be asked. */
export async function proveImport(options: ProofOptions): Promise<ImportProof> {
  const { old, directory, settings } = options;
  const log = briefLog(options.log);
  // Nothing of this machine's takes part: neither its Unix users nor its own names.
  const empty = mkdtempSync(path.join(tmpdir(), 'posthaste-proof-'));
  const neutral = {
    compatibility_level: '3.6',
    myhostname: 'proof.invalid',
    mydestination: '',
    alias_maps: '',
    local_recipient_maps: '',
    virtual_transport: 'virtual',
    recipient_delimiter: settings.text('recipient_delimiter'),
    smtpd_relay_restrictions: 'reject_unauth_destination',
    posthaste_data_directory: empty,
  };
  // A whole main.cf keeps what is no table of the directory, but asks neither filters nor the network.
  const base = old.base?.withOverrides(silent) ?? Settings.defaults(neutral);
  const sides: Routing[] = [];
  try {
    sides.push(openRouting({ settings: base.withOverrides(old.settings), log, isWatching: false }));
    sides.push(
      openRouting({
        settings: base.withOverrides(directorySettings),
        log,
        isWatching: false,
        openers: { directory: directoryTableOpener(directory) },
        revisionSources: [directory],
      }),
    );
    return await compareSides(sides as unknown as readonly [Routing, Routing], options);
  } finally {
    for (const side of sides) side.close();
    rmSync(empty, { recursive: true, force: true });
  }
}

/** Thousands of addresses meet the same mistake of the old tables; the differences tell which. */
function briefLog(log: Log): Log {
  let count = 0;
  return {
    write(program, level, text) {
      if (++count <= maxWarnings) log.write(program, level, text);
      else if (count === maxWarnings + 1) log.write(program, level, 'there are more warnings of this kind');
    },
  };
}

async function compareSides(
  [old, here]: readonly [Routing, Routing],
  { directory, tally, onProgress, old: system }: ProofOptions,
): Promise<ImportProof> {
  const { addresses: all, keys, untold } = await candidateAddresses([old, here]);
  // What else the directory hosts was never the old system's.
  const addresses = all.filter((address) => {
    const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
    return tally.domains.has(domain) || directory.lookups.domain(domain) === undefined;
  });
  const policies = [old, here].map((side) => side.policy(side.settings)) as [RecipientPolicy, RecipientPolicy];
  const explained = new Set(
    tally.notTaken.flatMap(({ address }) => (address === undefined ? [] : [address.toLowerCase()])),
  );
  const ask: Ask = async (address) => {
    const [one, other] = await Promise.all(policies.map((policy) => explainOne(policy, address, {})));
    return [outcomeOf(one as Explanation, system), outcomeOf(other as Explanation, system)];
  };
  const localDomains = new Set(old.settings.list('mydestination').map((name) => name.toLowerCase()));
  const differences: ImportDifference[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < addresses.length) {
      const address = addresses[next++] as string;
      const [one, other] = await ask(address);
      if (one !== other) {
        const leadsToOne = other.split(', ').some((recipient) => isNamed(explained, recipient, directory.lookups));
        const reason =
          isNamed(explained, address, directory.lookups) || leadsToOne
            ? notTakenReason
            : await knownReason(ask, address, directory.lookups, localDomains);
        differences.push({ address, old: one, here: other, ...(reason === undefined ? {} : { reason }) });
      }
      if (next % 500 === 0) onProgress(next, addresses.length);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  differences.sort(bySize);
  return {
    keys,
    probes: addresses.length,
    differing: differences.length,
    explained: differences.filter(({ reason }) => reason !== undefined).length,
    differences: withoutVariants(differences).slice(0, maxShown),
    untold: [...new Set(untold.map((one) => one.slice(one.indexOf(': ') + 2)))],
  };
}

const notTakenReason = 'not taken';

type Ask = (address: string) => Promise<readonly [old: string, here: string]>;

/** Differences that the old system's tables or Postfix's defaults make, and that are meant to be here. */
async function knownReason(
  ask: Ask,
  address: string,
  lookups: DirectoryLookups,
  localDomains: ReadonlySet<string>,
): Promise<string | undefined> {
  return (
    (await swallowedReason(ask, address, lookups)) ??
    (await extensionReason(ask, address)) ??
    (await bounceReason(ask, address)) ??
    (await disabledReason(ask, address, lookups)) ??
    (await aliasDomainReason(ask, address, lookups)) ??
    (await subdomainReason(ask, address, lookups, localDomains))
  );
}

/** A catch-all among the aliases takes the mail of mailboxes that have no alias of their own (virtual(5)). */
async function swallowedReason(ask: Ask, address: string, lookups: DirectoryLookups): Promise<string | undefined> {
  const folded = address.trim().toLowerCase();
  const at = folded.lastIndexOf('@');
  const bare = `${folded.slice(0, at).split(/[+-]/, 1)[0]}${folded.slice(at)}`;
  if (lookups.mailboxByAddress(lookups.loginAddress(bare)) === undefined) return undefined;
  const [old] = await ask(address);
  const [whole] = await ask(bare);
  const [unknown] = await ask(`no-such-user-here${folded.slice(at)}`);
  if (old !== unknown || whole !== unknown || unknown === 'refused') return undefined;
  return 'its mail goes to the catch-all there, which stands before mailboxes';
}

/** An alias for a whole domain takes every name, and what it becomes is nobody's. */
async function bounceReason(ask: Ask, address: string): Promise<string | undefined> {
  const [old, here] = await ask(address);
  if (here !== 'refused' || old === 'refused') return undefined;
  for (const recipient of old.split(', ')) {
    if (recipient.includes(' by ') || recipient === address.toLowerCase()) return undefined;
    const [one] = await ask(recipient);
    if (one !== 'refused') return undefined;
  }
  return 'it is taken there and bounced afterwards; here it is refused at once';
}

/** A mailbox that is switched off and has an alias of its own name that is not: the alias makes the address known. */
async function disabledReason(ask: Ask, address: string, lookups: DirectoryLookups): Promise<string | undefined> {
  const [old, here] = await ask(address);
  if (here !== 'refused') return undefined;
  for (const recipient of old.split(', ')) {
    if (lookups.mailboxByAddress(lookups.loginAddress(recipient))?.enabled !== false) return undefined;
  }
  return 'its mailbox is switched off: there mail is taken and bounced afterwards; here it is refused at once';
}

/** Some systems give only mailboxes their address in an alias domain. */
async function aliasDomainReason(ask: Ask, address: string, lookups: DirectoryLookups): Promise<string | undefined> {
  const at = address.lastIndexOf('@');
  const target = lookups.domain(address.slice(at + 1).trim())?.target?.name;
  const [old, here] = await ask(address);
  if (target === undefined || old !== 'refused') return undefined;
  const [there, same] = await ask(`${address.slice(0, at)}@${target}`);
  if (there !== same || same !== here) return undefined;
  return 'an alias domain has all addresses of its target here, aliases and the catch-all too';
}

/** parent_domain_matches_subdomains has relay_domains in it, unless main.cf says otherwise (postconf(5)). */
async function subdomainReason(
  ask: Ask,
  address: string,
  lookups: DirectoryLookups,
  localDomains: ReadonlySet<string>,
): Promise<string | undefined> {
  const domain = address.slice(address.lastIndexOf('@') + 1).trim();
  const [old, here] = await ask(address);
  if (here !== 'refused' || !old.includes(' by relay:') || lookups.domain(domain) !== undefined) return undefined;
  const parent = domain.slice(domain.indexOf('.') + 1);
  // relay_domains holds the host's own names where it is $mydestination, Postfix's default before 3.0.
  if (lookups.domain(parent) === undefined && !localDomains.has(parent.toLowerCase())) return undefined;
  return 'a subdomain of a relay domain is relayed there too (parent_domain_matches_subdomains)';
}

/**
 * A query that asks for a catch-all with `%d` answers before the extension is taken off, so `anna+news` is nobody there:
 * the bare address is the same on both sides, and the extended one is what an unknown user is there.
 */
async function extensionReason(ask: Ask, address: string): Promise<string | undefined> {
  const at = address.lastIndexOf('@');
  const [, bare] = /^([^+-]+)[+-]/.exec(address.slice(0, at)) ?? [];
  if (bare === undefined) return undefined;
  const [one, other] = await ask(`${bare}${address.slice(at)}`);
  const [extended] = await ask(address);
  const [unknown] = await ask(`no-such-user-here${address.slice(at)}`);
  if (one !== other || extended !== unknown || unknown === 'refused') return undefined;
  return 'with an extension it falls to the catch-all there, whose table answers too early';
}

/** What nothing explains first, then what is short. */
function bySize(one: ImportDifference, other: ImportDifference): number {
  return (
    Number(one.reason !== undefined) - Number(other.reason !== undefined) ||
    one.address.length - other.address.length ||
    (one.address < other.address ? -1 : 1)
  );
}

/** One in other case, or with a blank behind it, shows nothing that the address itself does not. */
function withoutVariants(differences: readonly ImportDifference[]): readonly ImportDifference[] {
  const plain = ({ address }: ImportDifference): string => address.trim().toLowerCase();
  const asTheyAre = new Set(differences.map(({ address }) => address));
  return differences.filter((one) => plain(one) === one.address || !asTheyAre.has(plain(one)));
}

/** Itself, without its extension, its domain's catch-all, or its domain. */
function isNamed(names: ReadonlySet<string>, address: string, lookups: DirectoryLookups): boolean {
  const folded = address.trim().toLowerCase();
  const at = folded.lastIndexOf('@');
  const domain = at === -1 ? '' : folded.slice(at + 1).trim();
  const bare = (at === -1 ? folded : folded.slice(0, at)).split(/[+-]/, 1)[0] ?? '';
  // A name alone is asked for in the domains of the local class, which the directory never has.
  const local = domain === '' || lookups.domain(domain) === undefined ? [bare] : [];
  return [folded, `${bare}@${domain}`, `@${domain}`, domain, ...local].some((name) => names.has(name));
}

function outcomeOf({ reply, deliveries }: Explanation, { storeTransports, ignoredDomains }: OldSystem): string {
  if (reply.code >= 500) return 'refused';
  if (reply.code >= 400) return `put off (${reply.code} ${reply.text})`;
  const ways = new Set<string>();
  for (const { recipient, transport, nexthop } of deliveries) {
    const to = recipient.toLowerCase();
    const domain = to.slice(to.lastIndexOf('@') + 1);
    if (ignoredDomains.some((ignored) => ignored.toLowerCase() === domain)) continue;
    const isStored = transport === 'virtual' || storeTransports.includes(transport);
    ways.add(isStored ? to : `${to} by ${transport}:${nexthop.toLowerCase()}`);
  }
  return ways.size === 0 ? 'taken and delivered to nobody' : [...ways].toSorted().join(', ');
}
