// The derivation of where mail goes as a graph: from the door over each address to the mailboxes, next hops and refusals. Its
// lines are those that routing itself has told (TraceEdge), never read out of texts; it is for who draws them, and decides
// nothing. One flow can hold many recipients: what they share is one box.

import { fold } from '../../address/form.ts';
import type { Delivery, Reply, TraceEdge, TraceStep } from '../../routing/types.ts';

export type FlowKind =
  | 'door'
  | 'address'
  | 'mailbox'
  | 'list'
  | 'program'
  | 'file'
  | 'answer'
  | 'mailed'
  | 'outside'
  | 'elsewhere'
  | 'refused'
  | 'deferred'
  | 'failed'
  | 'discarded';

/** What is wrong with a box, or to be known of it. */
export type FlowState = 'missing' | 'off' | 'full' | 'maintenance' | 'loop' | 'more' | 'shadowed' | 'unreached';

export interface FlowNode {
  /** What lines call it. */
  readonly name: string;
  readonly kind: FlowKind;
  readonly title: string;
  readonly note?: string;
  readonly state?: FlowState;
}

export interface FlowEdge {
  readonly from: string;
  readonly to: string;
  readonly stage: string;
  /** The questions, members of the derivation. */
  readonly asked: readonly TraceStep[];
  /** The row that decided; absent where none did. */
  readonly decided?: TraceStep;
  readonly leavesHost?: true;
  /** Mail does not go this way after all: the recipient is refused. */
  readonly isUntaken?: true;
}

export interface FlowMailbox {
  readonly address: string;
  readonly state?: FlowState;
  /** Answers while its owner is away. */
  readonly answers: boolean;
}

/** What is known of ends, beyond routing. */
export interface FlowFacts {
  /** The command of a service of master.cf; undefined: there is none. */
  command(transport: string): string | undefined;
  /** Of the mailstore; undefined: there is none. */
  mailbox(recipient: string): FlowMailbox | undefined;
  /** The first members of a mailing list. */
  members(list: string): { readonly some: readonly string[]; readonly count: number };
}

export interface FlowSubject {
  readonly recipient: string;
  readonly reply: Reply;
  readonly steps: readonly TraceStep[];
  readonly edges: readonly TraceEdge[];
  /** Refused before RCPT. */
  readonly isEarly?: boolean;
}

export const doorId = 'door';

export class MailFlow {
  readonly #facts: FlowFacts;
  readonly #nodes = new Map<string, FlowNode>();
  readonly #edges = new Map<string, FlowEdge>();
  readonly #reached = new Set<string>();

  constructor(facts: FlowFacts) {
    this.#facts = facts;
  }

  get nodes(): readonly FlowNode[] {
    return [...this.#nodes.values()];
  }

  get edges(): readonly FlowEdge[] {
    return [...this.#edges.values()];
  }

  /** A recipient, from the door. */
  addRecipient(subject: FlowSubject): void {
    const { recipient, reply, steps, edges, isEarly = false } = subject;
    this.#node({ name: doorId, kind: 'door', title: '', note: `${reply.code} ${reply.status}` });
    const first = this.addAddress(recipient);
    const isRefused = reply.code >= 300;
    if (!isEarly) this.addEdge({ from: doorId, to: first, stage: 'rcpt', asked: [] });
    const size = this.#edges.size;
    const failure = this.addEdges(recipient, edges);
    if (!isRefused) return;
    for (const [key, edge] of [...this.#edges].slice(size)) this.#edges.set(key, { ...edge, isUntaken: true });
    if (failure === undefined || reply.status === '4.6.0') this.addRefusal(isEarly ? doorId : first, reply, steps);
  }

  addAddress(address: string): string {
    return this.#node({ name: addressId(address), kind: 'address', title: address });
  }

  /** What becomes of an address, as far as `edges` know; returns what could not be found out on the way. */
  addEdges(address: string, edges: readonly TraceEdge[]): string | undefined {
    const byFrom = new Map<string, TraceEdge[]>();
    for (const edge of edges) byFrom.set(fold(edge.from), [...(byFrom.get(fold(edge.from)) ?? []), edge]);
    const seen = new Set<string>();
    const open = [address];
    let failure: string | undefined;
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (seen.has(fold(next))) continue;
      seen.add(fold(next));
      const own = byFrom.get(fold(next)) ?? [];
      failure ??= own.find((edge) => edge.failure !== undefined)?.failure;
      open.push(...this.#addOwn(next, own).toReversed());
    }
    return failure;
  }

  /** Returns the addresses that come next. */
  #addOwn(address: string, own: readonly TraceEdge[]): readonly string[] {
    const from = this.addAddress(address);
    const isSame = (to: string): boolean => fold(to) === fold(address);
    const stays = own.filter(({ to }) => to.some(isSame)).flatMap(({ asked }) => asked);
    const isLocal = own.some(({ stage }) => stage === 'local' || stage === 'local-alias');
    const next: string[] = [];
    for (const { stage, to, delivery, end, failure, asked } of own) {
      for (const target of to.filter((one) => !isSame(one))) {
        this.addEdge({ from, to: this.addAddress(target), stage, asked, ...decidedBy(asked, [stage]) });
        next.push(target);
      }
      if (failure !== undefined) this.#addFailure(from, stage, failure, asked);
      const all = [...new Set([...stays, ...asked])];
      if (delivery !== undefined && !(isLocal && delivery.transport === 'local')) this.#addEnd(from, delivery, all);
      if (end !== undefined) this.#addLocalEnd(from, address, end, all);
    }
    return next;
  }

  #addFailure(from: string, stage: string, failure: string, asked: readonly TraceStep[]): void {
    const to = this.#node({ name: `failed ${failure}`, kind: 'failed', title: failure });
    const decided = asked.findLast(({ result }) => result.startsWith('error:'));
    this.addEdge({ from, to, stage, asked, ...(decided === undefined ? {} : { decided }) });
  }

  #addEnd(from: string, delivery: Delivery, asked: readonly TraceStep[]): void {
    const { node, leavesHost } = this.#endOf(delivery);
    const deciding = decidedBy(asked, ['relocated', 'transport', 'sender-transport', 'class']);
    const leaving = leavesHost ? ({ leavesHost: true } as const) : {};
    this.addEdge({ from, to: this.#node(node), stage: 'delivery', asked, ...deciding, ...leaving });
    if (node.kind === 'mailbox' && this.#facts.mailbox(delivery.recipient)?.answers === true) {
      const to = this.#node({ name: `answer ${node.title}`, kind: 'answer', title: node.title });
      this.addEdge({ from: node.name, to, stage: 'vacation', asked: [] });
    }
    if (node.kind === 'list') this.#addMembers(node, delivery.recipient);
  }

  #addMembers(node: FlowNode, list: string): void {
    const { some, count } = this.#facts.members(list);
    for (const member of some) {
      this.addEdge({ from: node.name, to: this.addAddress(member), stage: 'list-member', asked: [] });
    }
    if (count <= some.length) return;
    const note = `${count - some.length}`;
    const to = this.#node({ name: `more ${node.name}`, kind: 'address', title: node.title, note, state: 'more' });
    this.addEdge({ from: node.name, to, stage: 'list-member', asked: [] });
  }

  #endOf({ recipient, transport, nexthop, path }: Delivery): {
    readonly node: FlowNode;
    readonly leavesHost: boolean;
  } {
    const place = `${transport}:${nexthop}`;
    const command = this.#facts.command(transport) ?? transport;
    const end = (kind: FlowKind, title: string, rest: Partial<FlowNode> = {}) => {
      return { node: { name: `${kind} ${place} ${title}`, kind, title, note: transport, ...rest }, leavesHost: false };
    };
    switch (command) {
      case 'mailstore': {
        const mailbox = this.#facts.mailbox(recipient);
        const state = mailbox === undefined ? 'missing' : mailbox.state;
        const title = mailbox?.address ?? recipient;
        return end('mailbox', title, { name: mailboxId(title), ...(state === undefined ? {} : { state }) });
      }
      case 'posthaste-list':
        return end('list', recipient, { name: `list ${fold(recipient)}` });
      case 'error':
        return end('refused', nexthop);
      case 'retry':
        return end('deferred', nexthop);
      case 'discard':
        return end('discarded', nexthop === '' ? recipient : nexthop);
      case 'pipe':
        return end('program', recipient, { note: place });
      case 'virtual':
      case 'local':
        return end('mailbox', recipient, { note: path === undefined ? transport : `${transport}: ${path}` });
      case 'lmtp':
        // A socket of this machine, or a server that may be anywhere.
        if (/^(?:unix:|inet:)?(?:\/|\[?127\.|\[?localhost|\[?::1)/i.test(nexthop)) {
          return end('mailbox', recipient, { note: place });
        }
        return { ...end('outside', place, { note: nexthop }), leavesHost: true };
      default:
        return { ...end('outside', place, { note: nexthop }), leavesHost: true };
    }
  }

  #addLocalEnd(from: string, address: string, end: NonNullable<TraceEdge['end']>, asked: readonly TraceStep[]): void {
    const kinds: Readonly<Record<string, FlowKind>> = {
      command: 'program',
      file: 'file',
      mailbox: 'mailbox',
      transport: 'program',
      mail: 'mailed',
      discarded: 'discarded',
      refused: end.kind === 'refused' && /: 4\.\d/.test(end.what) ? 'deferred' : 'refused',
    };
    const kind = kinds[end.kind] ?? 'address';
    const title = kind === 'mailed' ? address : end.what;
    const to = this.#node({ name: `local ${end.kind} ${end.what}`, kind, title, note: 'local' });
    this.addEdge({ from, to, stage: 'local', asked, ...decidedBy(asked, ['local-alias', 'account']) });
  }

  addRefusal(from: string, { code, status, text }: Reply, steps: readonly TraceStep[]): void {
    const isLoop = status === '4.6.0';
    const errors = code < 500 && !isLoop ? steps.filter(({ result }) => result.startsWith('error:')) : [];
    const failed = errors.at(-1);
    const words = `${code} ${status} ${text}`;
    const decided =
      failed ?? steps.findLast(({ stage, result }) => stage !== 'reply' && !isLoop && result.includes(text));
    const kind = failed !== undefined ? 'failed' : code < 500 ? 'deferred' : 'refused';
    const state = isLoop ? ({ state: 'loop' } as const) : {};
    const to = this.#node({ name: `reply ${words}`, kind, title: `${code} ${status}`, note: text, ...state });
    const asked = steps.filter(({ stage }) => stage !== 'reply');
    this.addEdge({ from, to, stage: 'reply', asked, ...(decided === undefined ? {} : { decided }) });
  }

  addMailbox(address: string): string {
    return this.#node({ name: mailboxId(address), kind: 'mailbox', title: address, note: 'mailstore' });
  }

  setState(id: string, state: FlowState): void {
    const node = this.#nodes.get(id);
    if (node !== undefined) this.#nodes.set(id, { ...node, state });
  }

  /** By a line of its own. */
  reaches(from: string, to: string): boolean {
    return this.#edges.has(`${from}\n${to}\ndelivery`);
  }

  isReached(to: string): boolean {
    return this.#reached.has(to);
  }

  #node(node: FlowNode): string {
    if (!this.#nodes.has(node.name)) this.#nodes.set(node.name, node);
    return node.name;
  }

  addEdge(edge: FlowEdge): void {
    const key = `${edge.from}\n${edge.to}\n${edge.stage}`;
    if (edge.from === edge.to || this.#edges.has(key)) return;
    this.#edges.set(key, edge);
    if (edge.isUntaken !== true) this.#reached.add(edge.to);
  }
}

export function addressId(address: string): string {
  return `address ${fold(address)}`;
}

export function mailboxId(address: string): string {
  return `mailbox ${fold(address)}`;
}

/** The row, in the order of `stages`: what comes later in routing overrides what came before. */
function decidedBy(
  asked: readonly TraceStep[],
  stages: readonly string[],
): { readonly decided: TraceStep } | Readonly<Record<never, never>> {
  for (const wanted of stages) {
    const decided = asked.findLast(({ stage, result }) => stage === wanted && isFound(result));
    if (decided !== undefined) return { decided };
  }
  return {};
}

/** As Decision and MatchList tell what was not there. */
export function isFound(result: string): boolean {
  return !/^(?:not found|not listed|excluded by|error:)/.test(result);
}
