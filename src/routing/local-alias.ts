// What local(8) makes of a recipient of this machine: a pure function of alias_maps, `:include:` and `~/.forward` files and
// main.cf. It says where the mail goes and does nothing: delivery/local.ts carries it out, explain shows it.
//
// Order (local(8)): alias of `user+ext`, then of `user`; members of an :include: file, and users reached through an alias
// with an owner-, are mailed anew; the user's .forward; mailbox_transport(_maps); the mailbox of an account that exists;
// fallback_transport(_maps); luser_relay; a missing postmaster is discarded; else the user is unknown. An alias that names
// itself means the user of that name. Members of an alias that are local again are expanded here, without owner- as mail
// to the same message, so that what is nested without end is a loop (5.4.6) and nothing is mailed round in circles.

import { splitExtension, addExtension } from '../address/extension.ts';
import { fold, localpartOf, toExternal } from '../address/form.ts';
import { standardForm } from '../address/standard-form.ts';
import { internalForm, parseAddresses } from '../address/tokens.ts';
import type { Maps } from '../tables/maps.ts';
import type { Table } from '../tables/table.ts';
import type { Decision } from './decision.ts';
import {
  describeEnd,
  filteredMacros,
  type LocalEnd,
  type LocalOutcome,
  type LocalPlace as Place,
  macrosOf,
} from './local-end.ts';
import { type ListFile, type LocalFiles, readForward, readInclude } from './local-files.ts';
import { expandMacros, type LocalMacros, type LocalSettings } from './local-settings.ts';
import type { ResolvedAddress } from './resolve-address.ts';
import type { RoutingSettings } from './routing-settings.ts';
import { tableOwner } from './table-owner.ts';

export interface LocalDependencies {
  readonly local: LocalSettings;
  readonly routing: RoutingSettings;
  readonly files: LocalFiles;
  /** Class, transport and next hop of an internal address. */
  resolve(decision: Decision, address: string): Promise<ResolvedAddress>;
  warn(text: string): void;
}

const maxLevel = 100;
/** Of one recipient; Postfix bounds only its memory of duplicates. */
const maxEnds = 100_000;

/**
 * `recipient` in internal form, routed to the local transport; `deliveredTo` are the message's Delivered-To addresses,
 * folded. Throws TemporaryError.
 */
export async function expandLocal(
  decision: Decision,
  dependencies: LocalDependencies,
  recipient: string,
  transport: string,
  deliveredTo: ReadonlySet<string> = new Set(),
): Promise<readonly LocalEnd[]> {
  const walk = new LocalExpansion(decision, dependencies, transport, deliveredTo);
  const nobody = { owner: undefined, from: undefined, account: undefined };
  try {
    const { mark } = decision;
    await walk.deliver(recipient, {
      source: 'recipient',
      level: 1,
      ...nobody,
      unmatched: '',
      delivered: recipient,
      mark,
    });
  } finally {
    decision.depth = 0;
  }
  return walk.ends;
}

class LocalExpansion {
  readonly ends: LocalEnd[] = [];
  readonly #decision: Decision;
  readonly #with: LocalDependencies;
  readonly #transport: string;
  readonly #deliveredTo: ReadonlySet<string>;
  readonly #seen = new Set<string>();

  constructor(
    decision: Decision,
    dependencies: LocalDependencies,
    transport: string,
    deliveredTo: ReadonlySet<string>,
  ) {
    this.#decision = decision;
    this.#with = dependencies;
    this.#transport = transport;
    this.#deliveredTo = deliveredTo;
  }

  /** deliver_recipient of local(8): `address` in internal form. */
  async deliver(address: string, place: Place): Promise<void> {
    const at = { ...place, level: place.level + 1, mark: this.#decision.mark };
    if (at.level > 2 * maxLevel) {
      this.#refuse(address, at, '5.4.6', `alias database loop for ${localpartOf(address)}`);
      return;
    }
    if (this.#isSeen(`recipient ${at.level} ${address}`)) return;
    this.#decision.depth = at.level - 2;
    if (this.#deliveredTo.has(fold(address))) {
      const owner = await this.#ownerOf(localpartOf(address), at.owner);
      this.#refuse(address, { ...at, owner }, '5.4.6', `mail forwarding loop for ${address}`);
      return;
    }
    const name = fold(localpartOf(address));
    const split = splitExtension(name, this.#with.local.extensions);
    const user = split?.bare ?? name;
    let extension = split?.extension ?? '';
    if (extension.includes('/')) {
      this.#with.warn(`${address}: address with illegal extension: ${extension}`);
      extension = '';
    }
    if (await this.#expandAlias(address, name, { ...at, unmatched: '' })) return;
    const carried = this.#propagates('alias') ? extension : '';
    if (extension !== '' && (await this.#expandAlias(address, user, { ...at, unmatched: carried }))) return;
    const rest = { ...at, unmatched: extension };
    const isForeign = at.owner !== undefined && fold(at.owner) !== user;
    if (at.source === 'include' || isForeign) this.#mail(address, at);
    else await this.#deliverUser(address, user, extension, rest);
  }

  /** True where the name is an alias. */
  async #expandAlias(address: string, name: string, place: Place): Promise<boolean> {
    if (place.from === name) return false;
    let table: Table | undefined;
    const value = await this.#find(this.#with.local.aliases, name, (found) => {
      table = found;
    });
    if (value === undefined) return false;
    if (place.level > maxLevel) {
      this.#with.warn(`alias database loop for ${name}`);
      this.#refuse(address, place, '5.4.6', `alias database loop for ${name}`);
      return true;
    }
    const owner = await this.#ownerOf(name, this.#with.local.resetsOwner ? undefined : place.owner);
    const account = table && (await this.#accountOfTable(table, address, { ...place, owner }));
    if (account === 'unknown') return true;
    const at: Place = {
      ...place,
      source: 'alias',
      owner,
      from: name,
      account,
      delivered: this.#delivered(address, place),
      asked: this.#decision.since(place.mark),
    };
    const count = await this.#expandList(value, address, at);
    if (count === 0) {
      this.#with.warn(`no recipient in alias lookup result for ${name}`);
      this.#refuse(address, place, '4.3.0', 'alias database unavailable');
    }
    return true;
  }

  /** Whoever owns an alias file decides with whose rights its commands run; root leaves that to default_privs. */
  async #accountOfTable(table: Table, address: string, place: Place): Promise<string | undefined> {
    const { files, local } = this.#with;
    const uid = await tableOwner(table.name);
    const account = files.isTrusted(uid) ? undefined : await local.accountOfUid(uid);
    if (files.isTrusted(uid) || account !== undefined) return account;
    this.#with.warn(`cannot find alias database owner for ${table.name}`);
    this.#refuse(address, place, '4.3.0', 'cannot find alias database owner');
    return 'unknown';
  }

  /** `owner-NAME` of the alias, or what it stands for; `otherwise` where there is none. */
  async #ownerOf(name: string, otherwise: string | undefined): Promise<string | undefined> {
    const { local, routing } = this.#with;
    if (!local.extensions.ownerRequestSpecial) return otherwise;
    const owner = `owner-${fold(name)}`;
    const value = await this.#find(local.aliases, owner);
    if (value === undefined) return otherwise;
    const [first] = parseAddresses(local.expandsOwner ? value : owner).filter(({ kind }) => kind === 'address');
    return first === undefined ? otherwise : standardForm(internalForm(first.tokens), routing.standardForm);
  }

  /** deliver_token_string: how many destinations there were. */
  async #expandList(text: string, address: string, place: Place): Promise<number> {
    let count = 0;
    for (const token of parseAddresses(text)) {
      if (token.kind !== 'address') continue;
      count++;
      if (this.ends.length > maxEnds) {
        this.#refuse(address, place, '4.3.0', `${address} has more than ${maxEnds} recipients`);
        return count;
      }
      await this.#expandWord(internalForm(token.tokens), address, place);
    }
    return count;
  }

  /** deliver_token: `/file`, `~/file`, `|command`, `:include:/file`, or an address. */
  async #expandWord(word: string, address: string, place: Place): Promise<void> {
    const { local } = this.#with;
    if (word.startsWith('/') || word.startsWith('~/')) {
      if (local.fileSources.includes(place.source)) this.#file(word, address, place);
      else this.#refuse(address, place, '5.7.1', 'mail to file is restricted');
    } else if (word.startsWith('|')) {
      const what = word.slice(1).trim();
      if (local.commandSources.includes(place.source)) this.#action(address, place, { kind: 'command', what });
      else this.#refuse(address, place, '5.7.1', 'mail to command is restricted');
    } else if (/^:include:/i.test(word)) await this.#include(word.slice(9), address, place);
    else await this.#resolve(word, address, place);
  }

  /** `~/` is the folder of whose rights are meant. */
  #file(word: string, address: string, place: Place): void {
    const home = place.account?.split(':')[5] ?? '';
    if (word.startsWith('~/') && !home.startsWith('/')) {
      this.#with.warn(`unknown home directory for: ${word}`);
      this.#refuse(address, place, '5.3.5', 'mail system configuration error');
    } else this.#action(address, place, { kind: 'file', what: word.startsWith('~/') ? home + word.slice(1) : word });
  }

  #action(address: string, place: Place, { kind, what }: { kind: 'command' | 'file'; what: string }): void {
    const user = place.account?.split(':')[0] ?? '';
    // Names of files that differ in case are different: not folded.
    const key = `${kind} ${kind === 'command' ? localpartOf(address) : ''}:${user} ${what}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#end(address, { ...place, delivered: this.#delivered(address, place) }, { kind, what, user });
  }

  async #include(path: string, address: string, place: Place): Promise<void> {
    const { files } = this.#with;
    if (this.#isSeen(`include ${place.account?.split(':')[2] ?? '0'} ${path}`)) return;
    const file = await readInclude(files, path, place.account);
    this.#tellFile(`:include:${path}`, file);
    if (file.kind !== 'list') {
      this.#with.warn(file.kind === 'missing' ? `unable to lookup :include: file ${path}` : file.reason);
      this.#refuse(address, place, '5.3.5', 'mail system configuration error');
      return;
    }
    // A list that root's alias names has its owner's rights; one that a user names has the user's.
    const { uid } = file;
    const isOwners = !files.isTrusted(uid) && (place.account?.split(':')[2] ?? '0') === '0';
    const account = isOwners ? await this.#with.local.accountOfUid(uid) : place.account;
    if (isOwners && account === undefined) {
      this.#with.warn(`${path}: cannot find :include: file owner username`);
      this.#refuse(address, place, '4.3.5', 'mail system configuration error');
      return;
    }
    const unmatched = this.#propagates('include') ? place.unmatched : '';
    const at: Place = { ...place, source: 'include', unmatched, account, delivered: this.#delivered(address, place) };
    for (const line of file.lines) await this.#expandList(line, address, at);
  }

  /** frozen_delivered_to: only the recipient of the message stands in Delivered-To. */
  #delivered(address: string, place: Place): string {
    return this.#with.local.freezesDelivered ? place.delivered : address;
  }

  /** deliver_resolve_tree: rewritten and resolved as everywhere; what is local is expanded on. */
  async #resolve(word: string, address: string, place: Place): Promise<void> {
    const { routing } = this.#with;
    const resolved = await this.#with.resolve(this.#decision, standardForm(word, routing.standardForm));
    if (resolved.isBad) {
      this.#refuse(address, place, '5.1.3', `bad recipient address syntax: ${resolved.recipient}`);
      return;
    }
    const { recipient, transport } = resolved;
    const target = place.unmatched === '' ? recipient : addExtension(recipient, place.unmatched);
    const told = { stage: 'local-alias', from: toExternal(address), to: [toExternal(target)] };
    this.#decision.lead({ ...told, asked: place.asked ?? this.#decision.since(place.mark) });
    if (transport === this.#transport) await this.deliver(target, place);
    else this.#mail(target, place);
  }

  async #deliverUser(address: string, user: string, extension: string, place: Place): Promise<void> {
    const { local } = this.#with;
    const account = await this.#decision.ask('account', local.accounts, user);
    const macros = macrosOf(address, user, extension, account.kind === 'found' ? account.value : undefined);
    if (account.kind === 'found' && local.requiresHome) {
      const home = account.value.split(':')[5] ?? '';
      if ((await this.#with.files.find(home, { account: account.value, followsLinks: true })) === undefined) {
        this.#refuse(address, place, '4.3.0', `cannot access home directory ${home}: No such file or directory`);
        return;
      }
    }
    if (account.kind === 'found' && (await this.#forward(address, user, account.value, macros, place))) return;
    if (this.#isSeen(`mailbox ${user}`)) return;
    const transport = (await this.#find(local.mailboxTransports, user)) ?? local.mailboxTransport;
    if (transport !== '') this.#handOver(address, place, transport);
    else if (account.kind === 'found') {
      const command = await this.#find(local.mailboxCommands, user);
      const end = { kind: 'mailbox', what: user, ...(command === undefined ? {} : { command }) } as const;
      this.#end(address, { ...place, delivered: this.#delivered(address, place) }, end);
    } else await this.#unknown(address, user, macros, place);
  }

  /** The first file of forward_path that exists; true where it named somebody. */
  async #forward(address: string, user: string, account: string, macros: LocalMacros, place: Place): Promise<boolean> {
    const { local } = this.#with;
    for (const pattern of local.forwardPaths) {
      const path = expandMacros(pattern, filteredMacros(macros, local.forwardFilter), true);
      if (path === undefined || !path.startsWith('/')) continue;
      // A .forward that names its own user means the mailbox.
      if (this.#seen.has(`forward ${path}`)) return false;
      const file = await readForward(this.#with.files, path, account);
      this.#tellFile(path, file);
      if (file.kind === 'missing') continue;
      if (file.kind === 'unusable') {
        this.#with.warn(file.reason);
        return false;
      }
      this.#seen.add(`forward ${path}`);
      const keeps = this.#propagates('forward') && !pattern.includes('extension');
      const unmatched = keeps ? place.unmatched : '';
      const delivered = this.#delivered(address, place);
      const at: Place = { ...place, source: 'forward', owner: undefined, unmatched, account, delivered };
      let count = 0;
      for (const line of file.lines) count += await this.#expandList(line, address, { ...at, from: user });
      return count > 0;
    }
    return false;
  }

  async #unknown(address: string, user: string, macros: LocalMacros, place: Place): Promise<void> {
    const { local, routing } = this.#with;
    if (this.#isSeen(`unknown ${localpartOf(address)}`)) return;
    const transport = (await this.#find(local.fallbackTransports, user)) ?? local.fallbackTransport;
    if (transport !== '') {
      this.#handOver(address, place, transport);
      return;
    }
    // An unknown relay must not ask for itself again, longer each time (`admin+$local`).
    if (local.luserRelay !== '' && !this.#isSeen('luser-relay')) {
      const relay = standardForm(expandMacros(local.luserRelay, macros, false) ?? '', routing.standardForm);
      if (this.#decision.isTracing) this.#decision.tell('luser-relay', relay);
      if (fold(relay) !== fold(address)) {
        await this.#resolve(relay, address, { ...place, unmatched: '' });
        return;
      }
    }
    if (user === 'postmaster' || user === 'mailer-daemon') {
      this.#with.warn(`required alias not found: ${user}`);
      this.#end(address, place, { kind: 'discarded' });
    } else this.#refuse(address, place, '5.1.1', `unknown user: "${user}"`);
  }

  #handOver(address: string, place: Place, text: string): void {
    const [transport = '', ...rest] = text.split(':');
    this.#end(address, place, {
      kind: 'transport',
      transport,
      nexthop: rest.join(':') || this.#with.routing.myhostname,
    });
  }

  #mail(address: string, place: Place): void {
    if (!this.#isSeen(`mail ${place.owner ?? ''} ${address}`)) this.#end(address, place, { kind: 'mail' });
  }

  #refuse(address: string, place: Place, status: string, reason: string): void {
    this.#end(address, place, { kind: 'refused', status, reason });
  }

  #end(address: string, { owner, delivered, mark }: Place, end: LocalOutcome): void {
    const recipient = toExternal(address);
    const place = {
      recipient,
      delivered: toExternal(delivered),
      ...(owner === undefined ? {} : { sender: toExternal(owner) }),
    };
    this.ends.push({ ...place, ...end });
    if (!this.#decision.isTracing) return;
    const what = describeEnd({ ...place, ...end });
    this.#decision.tell('local', what);
    const told = { stage: 'local', from: recipient, to: [], end: { kind: end.kind, what } };
    this.#decision.lead({ ...told, asked: this.#decision.since(mark) });
  }

  async #find(maps: Maps, key: string, onFound?: (table: Table) => void): Promise<string | undefined> {
    return maps.isEmpty ? undefined : (await maps.find(this.#decision, 'local-alias', key, 'full', onFound))?.value;
  }

  #propagates(word: string): boolean {
    return this.#with.local.propagated.includes(word);
  }

  #isSeen(key: string): boolean {
    const folded = fold(key);
    if (this.#seen.has(folded)) return true;
    this.#seen.add(folded);
    return false;
  }

  #tellFile(path: string, file: ListFile): void {
    if (!this.#decision.isTracing) return;
    const result = file.kind === 'list' ? file.lines.join(', ') : file.kind === 'missing' ? 'not found' : file.reason;
    this.#decision.note('local-alias', path, '', result);
  }
}
