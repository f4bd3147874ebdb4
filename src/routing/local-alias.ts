// What local(8) makes of a recipient of this machine: a pure function of alias_maps, `:include:` and `~/.forward` files and
// main.cf. It says where the mail goes and does nothing: delivery/local.ts carries it out, explain shows it.
//
// Order (local(8)): alias of `user+ext`, then of `user`; members of an :include: file, and users reached through an alias
// with an owner-, are mailed anew; the user's .forward; mailbox_transport(_maps); the mailbox of an account that exists;
// fallback_transport(_maps); luser_relay; a missing postmaster is discarded; else the user is unknown. An alias that names
// itself means the user of that name. Members of an alias that are local again are expanded here, without owner- as mail
// to the same message, so that what is nested without end is a loop (5.4.6) and nothing is mailed round in circles.

import { splitExtension, addExtension } from '../address/extension.ts';
import { fold, localpartOf, domainOf, toExternal } from '../address/form.ts';
import { standardForm } from '../address/standard-form.ts';
import { internalForm, parseAddresses } from '../address/tokens.ts';
import type { Maps } from '../tables/maps.ts';
import type { Decision } from './decision.ts';
import { type ListFile, readForward, readInclude } from './local-files.ts';
import { expandMacros, type LocalMacros, type LocalSettings } from './local-settings.ts';
import type { ResolvedAddress } from './resolve-address.ts';
import type { RoutingSettings } from './routing-settings.ts';

interface EndPlace {
  /** External form. */
  readonly recipient: string;
  /** The owner of the alias that led here, external form: bounces go there; undefined: the message's own sender. */
  readonly sender?: string;
}

/** Where one branch of the expansion ends. */
export type LocalEnd = EndPlace &
  (
    | { readonly kind: 'mail' }
    | { readonly kind: 'transport'; readonly transport: string; readonly nexthop: string }
    /** For good with 5.x, for now with 4.x. */
    | { readonly kind: 'refused'; readonly status: string; readonly reason: string }
    | { readonly kind: 'discarded' }
    | { readonly kind: 'command' | 'file' | 'mailbox'; readonly what: string }
  );

export interface LocalDependencies {
  readonly local: LocalSettings;
  readonly routing: RoutingSettings;
  /** Class, transport and next hop of an internal address. */
  resolve(decision: Decision, address: string): Promise<ResolvedAddress>;
  warn(text: string): void;
}

interface Place {
  /** Where the words come from: decides whether commands and files are allowed. */
  readonly source: 'recipient' | 'alias' | 'include' | 'forward';
  readonly level: number;
  readonly owner: string | undefined;
  /** The folded name of the alias under expansion. */
  readonly from: string | undefined;
  /** An extension that was not matched, with its delimiter, to be carried over. */
  readonly unmatched: string;
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
  try {
    await walk.deliver(recipient, { source: 'recipient', level: 1, owner: undefined, from: undefined, unmatched: '' });
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
    const at = { ...place, level: place.level + 1 };
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
    const value = await this.#find(this.#with.local.aliases, name);
    if (value === undefined) return false;
    if (place.level > maxLevel) {
      this.#with.warn(`alias database loop for ${name}`);
      this.#refuse(address, place, '5.4.6', `alias database loop for ${name}`);
      return true;
    }
    const owner = await this.#ownerOf(name, this.#with.local.resetsOwner ? undefined : place.owner);
    const count = await this.#expandList(value, address, { ...place, source: 'alias', owner, from: name });
    if (count === 0) {
      this.#with.warn(`no recipient in alias lookup result for ${name}`);
      this.#refuse(address, place, '4.3.0', 'alias database unavailable');
    }
    return true;
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
      if (local.fileSources.includes(place.source)) this.#end(address, place, { kind: 'file', what: word });
      else this.#refuse(address, place, '5.7.1', 'mail to file is restricted');
    } else if (word.startsWith('|')) {
      const what = word.slice(1).trim();
      if (local.commandSources.includes(place.source)) this.#end(address, place, { kind: 'command', what });
      else this.#refuse(address, place, '5.7.1', 'mail to command is restricted');
    } else if (/^:include:/i.test(word)) await this.#include(word.slice(9), address, place);
    else await this.#resolve(word, address, place);
  }

  async #include(path: string, address: string, place: Place): Promise<void> {
    if (this.#isSeen(`include ${path}`)) return;
    const file = await readInclude(path);
    this.#tellFile(`:include:${path}`, file);
    if (file.kind !== 'list') {
      this.#with.warn(file.kind === 'missing' ? `unable to lookup :include: file ${path}` : file.reason);
      this.#refuse(address, place, '5.3.5', 'mail system configuration error');
      return;
    }
    const unmatched = this.#propagates('include') ? place.unmatched : '';
    for (const line of file.lines) await this.#expandList(line, address, { ...place, source: 'include', unmatched });
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
    if (transport === this.#transport) await this.deliver(target, place);
    else this.#mail(target, place);
  }

  async #deliverUser(address: string, user: string, extension: string, place: Place): Promise<void> {
    const { local } = this.#with;
    const account = await this.#decision.ask('account', local.accounts, user);
    const macros = macrosOf(address, user, extension, account.kind === 'found' ? account.value : undefined);
    if (account.kind === 'found' && (await this.#forward(address, user, account.value, macros, place))) return;
    const transport = (await this.#find(local.mailboxTransports, user)) ?? local.mailboxTransport;
    if (transport !== '') this.#handOver(address, place, transport);
    else if (account.kind === 'found') this.#end(address, place, { kind: 'mailbox', what: user });
    else await this.#unknown(address, user, macros, place);
  }

  /** The first file of forward_path that exists; true where it named somebody. */
  async #forward(address: string, user: string, account: string, macros: LocalMacros, place: Place): Promise<boolean> {
    const { local } = this.#with;
    const uid = Number(account.split(':')[2]);
    for (const pattern of local.forwardPaths) {
      const path = expandMacros(pattern, filtered(macros, local.forwardFilter), true);
      if (path === undefined || !path.startsWith('/')) continue;
      // A .forward that names its own user means the mailbox.
      if (this.#seen.has(`forward ${path}`)) return false;
      const file = await readForward(path, uid);
      this.#tellFile(path, file);
      if (file.kind === 'missing') continue;
      if (file.kind === 'unusable') {
        this.#with.warn(file.reason);
        return false;
      }
      this.#seen.add(`forward ${path}`);
      const keeps = this.#propagates('forward') && !pattern.includes('extension');
      const unmatched = keeps ? place.unmatched : '';
      const at: Place = { ...place, source: 'forward', owner: undefined, unmatched };
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

  #end(address: string, { owner }: Place, end: LocalOutcome): void {
    const recipient = toExternal(address);
    const place = { recipient, ...(owner === undefined ? {} : { sender: toExternal(owner) }) };
    this.ends.push({ ...place, ...end });
    if (this.#decision.isTracing) this.#decision.tell('local', describeEnd({ ...place, ...end }));
  }

  async #find(maps: Maps, key: string): Promise<string | undefined> {
    return maps.isEmpty ? undefined : (await maps.find(this.#decision, 'local-alias', key, 'full'))?.value;
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

type LocalOutcome = LocalEnd extends infer End ? (End extends EndPlace ? Omit<End, keyof EndPlace> : never) : never;

function describeEnd(end: LocalEnd): string {
  const owner = end.sender === undefined ? '' : `, bounces to ${end.sender}`;
  switch (end.kind) {
    case 'mail':
      return `mailed on to ${end.recipient}${owner}`;
    case 'transport':
      return `${end.recipient} by ${end.transport}:${end.nexthop}`;
    case 'refused':
      return `${end.recipient}: ${end.status} ${end.reason}${owner}`;
    case 'discarded':
      return `${end.recipient} discarded`;
    case 'command':
    case 'file':
    case 'mailbox':
      return `${end.kind} ${end.what}`;
  }
}

function macrosOf(address: string, user: string, extension: string, account: string | undefined): LocalMacros {
  const [, , , , , home, shell] = account?.split(':') ?? [];
  return {
    user,
    local: localpartOf(address),
    domain: domainOf(address),
    recipient: address,
    extension: extension === '' ? undefined : extension.slice(1),
    recipient_delimiter: extension === '' ? undefined : extension.slice(0, 1),
    home,
    shell,
  };
}

/** What a stranger wrote into the extension names no other folder. */
function filtered(macros: LocalMacros, allowed: string): LocalMacros {
  const clean = (text: string | undefined): string | undefined =>
    text?.replaceAll(/./gsu, (one) => (allowed.includes(one) ? one : '_'));
  return {
    ...macros,
    extension: clean(macros['extension']),
    user: clean(macros['user']),
    local: clean(macros['local']),
  };
}
