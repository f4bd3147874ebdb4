// All mail of one domain as one graph: every address that stands in it is asked of the router, and what routing tells of its way
// is drawn. Nothing is guessed from rows; rows only say which addresses there are, and which of them are switched off. What an
// administrator should look at is marked: mailboxes that another row takes the mail of, targets that are not there, catch-alls
// that nobody falls to.

import type { Directory } from '../../directory/directory.ts';
import type { Standing } from '../../directory/reverse.ts';
import type { Router } from '../../routing/router.ts';
import type { TraceEdge, TraceStep } from '../../routing/types.ts';
import { fold } from '../../address/form.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { addressId, type FlowFacts, type FlowNode, MailFlow, mailboxId } from './mail-flow.ts';
import { mappedEdge, type MappedEdge } from './told-flow.ts';

export interface DomainFlow {
  readonly domain: string;
  readonly nodes: readonly FlowNode[];
  readonly edges: readonly MappedEdge[];
  /** Mailboxes that get what their own address gets, and to which nothing else leads. */
  readonly plain: readonly string[];
  /** There are more rows than were looked at. */
  readonly isCut: boolean;
  /** How many rows were looked at. */
  readonly rows: number;
}

export interface DomainFlowParts {
  readonly directory: Pick<Directory, 'reverse' | 'lookups'>;
  readonly router: Pick<Router, 'resolve'>;
  readonly facts: FlowFacts;
  /** Called between addresses: mail is waiting. */
  pause(): Promise<void>;
}

/** Aliases of other domains that lead here. */
const maxIncoming = 1000;
const maxAliasDomains = 100;
const nobody = 'nobody-has-this-name';

/** undefined: the domain is not hosted. Throws TemporaryError. */
export async function domainFlow(
  parts: DomainFlowParts,
  domain: string,
  maxRows: number,
): Promise<DomainFlow | undefined> {
  const { directory } = parts;
  await directory.lookups.fresh();
  const hosted = directory.lookups.domain(domain);
  if (hosted === undefined) return undefined;
  const { name } = hosted;
  const { standing, isCut } = await directory.reverse.standingIn(name, maxRows);
  const map = new DomainMap(parts, name);
  for (const row of standing) await map.add(row);
  await map.addIncoming(standing);
  for (const row of standing) map.addShadow(row);
  return { domain: name, ...map.told(standing), isCut, rows: standing.length };
}

class DomainMap {
  readonly #parts: DomainFlowParts;
  readonly #domain: string;
  readonly #flow: MailFlow;

  constructor(parts: DomainFlowParts, domain: string) {
    this.#parts = parts;
    this.#domain = domain;
    this.#flow = new MailFlow(parts.facts);
  }

  async add({ localpart, kind, isOn }: Standing): Promise<void> {
    await this.#parts.pause();
    if (localpart === '') return await this.#addCatchAll(isOn);
    const address = `${localpart}@${this.#domain}`;
    await this.#follow(address);
    if (kind !== 'mailbox' && !isOn) this.#flow.setState(addressId(address), 'off');
  }

  async #follow(address: string, isOf: (edge: TraceEdge) => TraceEdge = (edge) => edge, shown = address) {
    const edges: TraceEdge[] = [];
    const steps: TraceStep[] = [];
    const sink = Object.assign((step: TraceStep) => void steps.push(step), {
      edge: (edge: TraceEdge) => void edges.push(isOf(edge)),
    });
    try {
      const { unlisted, failure } = await this.#parts.router.resolve(address, {}, sink);
      if (unlisted !== undefined) this.#flow.addRefusal(this.#flow.addAddress(shown), unlisted, steps);
      else this.#flow.addEdges(shown, edges);
      if (failure !== undefined) this.#flow.addRefusal(this.#flow.addAddress(shown), failure, steps);
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      this.#flow.addEdges(shown, [{ stage: 'delivery', from: shown, to: [], failure: error.message, asked: steps }]);
    }
  }

  /** Whoever has no name of his own there stands for all of them. */
  async #addCatchAll(isOn: boolean): Promise<void> {
    const { lookups } = this.#parts.directory;
    const hosted = lookups.domain(this.#domain);
    let name = nobody;
    while (hosted !== undefined && lookups.localAt(name, hosted) !== undefined) name += '-';
    const shown = `*@${this.#domain}`;
    const generally = (text: string): string => text.replace(`${name}@`, '*@');
    const used: TraceEdge[] = [];
    await this.#follow(
      `${name}@${this.#domain}`,
      (edge) => {
        if (
          edge.asked.some(({ source = '' }) => source.includes('catch-all') || source.startsWith('directory:aliases'))
        )
          used.push(edge);
        const delivery = edge.delivery && { ...edge.delivery, recipient: generally(edge.delivery.recipient) };
        const changed = { ...edge, from: generally(edge.from), to: edge.to.map(generally) };
        return delivery === undefined ? changed : { ...changed, delivery };
      },
      shown,
    );
    if (!isOn) this.#flow.setState(addressId(shown), 'off');
    else if (used.length === 0) this.#flow.setState(addressId(shown), 'shadowed');
  }

  /** What leads here from other domains, and the other names of this one. */
  async addIncoming(standing: readonly Standing[]): Promise<void> {
    const { reverse } = this.#parts.directory;
    for (const pointer of await reverse.aliasesInto(this.#domain, maxIncoming)) {
      if (pointer.address.startsWith('@') || pointer.address.endsWith(`@${this.#domain}`)) continue;
      await this.#parts.pause();
      await this.#follow(pointer.address);
    }
    for (const name of await reverse.aliasDomainsOf(this.#domain, maxAliasDomains)) {
      const hasCatchAll = standing.some(({ localpart }) => localpart === '');
      const to = hasCatchAll ? addressId(`*@${this.#domain}`) : this.#flow.addAddress(`*@${this.#domain}`);
      this.#flow.addEdge({ from: this.#flow.addAddress(`*@${name}`), to, stage: 'alias-domain', asked: [] });
    }
  }

  /** A mailbox whose own address leads elsewhere: the line that one expects is drawn as missing. */
  addShadow({ localpart, kind, isOn }: Standing): void {
    if (kind !== 'mailbox') return;
    const address = `${localpart}@${this.#domain}`;
    const [from, to] = [addressId(address), mailboxId(address)];
    if (this.#flow.reaches(from, to)) return;
    const state = isOn ? (this.#flow.isReached(to) ? 'shadowed' : 'unreached') : 'off';
    this.#flow.addMailbox(address);
    this.#flow.setState(to, state);
    this.#flow.addEdge({ from, to, stage: 'shadowed', asked: [], isUntaken: true });
  }

  told(standing: readonly Standing[]): Pick<DomainFlow, 'nodes' | 'edges' | 'plain'> {
    const { nodes, edges } = this.#flow;
    const [outOf, into] = [new Map<string, number>(), new Map<string, number>()];
    for (const { from, to } of edges) {
      outOf.set(from, (outOf.get(from) ?? 0) + 1);
      into.set(to, (into.get(to) ?? 0) + 1);
    }
    const byId = new Map(nodes.map((node) => [node.name, node]));
    const isPlain = ({ localpart, kind }: Standing): boolean => {
      const address = `${localpart}@${this.#domain}`;
      const [from, to] = [addressId(address), mailboxId(address)];
      const isAlone = into.get(from) === undefined && outOf.get(from) === 1 && into.get(to) === 1;
      const ends =
        outOf.get(to) === undefined && byId.get(to)?.state === undefined && byId.get(from)?.state === undefined;
      return kind === 'mailbox' && isAlone && ends && this.#flow.reaches(from, to);
    };
    const plain = standing.filter(isPlain).map(({ localpart }) => `${localpart}@${this.#domain}`);
    const gone = new Set(plain.flatMap((address) => [addressId(address), mailboxId(fold(address))]));
    return {
      nodes: nodes.filter(({ name }) => !gone.has(name)),
      edges: edges.filter(({ from }) => !gone.has(from)).map(mappedEdge),
      plain,
    };
  }
}
