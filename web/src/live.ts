// What changes on the server while the page is open: one stream of events for all tabs of the browser (HTTP/1.1 has six
// connections in all). The tab that holds the lock listens and tells the others. Events say which answers have become old;
// those that are shown are asked anew, each kind not oftener than it is worth.

import { type Query, type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { sessionKey } from './session.tsx';

export type Connection = 'opening' | 'live' | 'lost';

/** As the host's administrators hear them. */
export interface QueueNumbers {
  readonly messages: number;
  readonly hold: number;
  readonly recipients: number;
  readonly active: number;
  /** False: there are more messages. */
  readonly isExact: boolean;
}

interface Heard {
  readonly kind: string;
  readonly data: string;
}

type Told = { readonly heard: Heard } | { readonly connection: Connection } | { readonly asks: true };

const kinds = ['directory', 'queue', 'deliveries', 'alarms', 'settings'] as const;
type Kind = (typeof kinds)[number];

/** Areas of operations whose answers an event makes old, and how often they are asked at most. */
const concerned: Readonly<Record<Kind, { readonly areas: RegExp; readonly milliseconds: number }>> = {
  // What does not come from the directory is not touched by its changes.
  directory: { areas: /^(?!statistics|status|health|queue|trace|certificate|lockout|alarm|live)/, milliseconds: 1000 },
  queue: { areas: /^(?:queue|status)\./, milliseconds: 5000 },
  deliveries: { areas: /^(?:statistics|quota)\./, milliseconds: 15_000 },
  alarms: { areas: /^(?:alarm|lockout|health|status)\./, milliseconds: 2000 },
  settings: { areas: /^(?!live)/, milliseconds: 2000 },
};

const firstWaitMilliseconds = 1000;
const longestWaitMilliseconds = 30_000;
/** A list that somebody has gone far down is not fetched again under his hands. */
const maxPagesAgain = 2;

const connectionKey = ['live', 'connection'];
const queueKey = ['live', 'queue'];

/** To be called once, in the frame. */
export function useLiveEvents(login: string): void {
  const queries = useQueryClient();
  useEffect(() => {
    const live = new LiveEvents(queries);
    const stop = shareBetweenTabs(login, live);
    return () => {
      stop();
      live.close();
    };
  }, [login, queries]);
}

export function useConnection(): Connection {
  return (
    useQuery<Connection>({ queryKey: connectionKey, queryFn: () => 'opening', staleTime: Infinity }).data ?? 'opening'
  );
}

/** Undefined until the first event, and for who may not know. */
export function useQueueNumbers(): QueueNumbers | undefined {
  return (
    useQuery<QueueNumbers | null>({ queryKey: queueKey, queryFn: () => null, staleTime: Infinity }).data ?? undefined
  );
}

class LiveEvents {
  readonly #queries: QueryClient;
  readonly #timers = new Map<Kind, ReturnType<typeof setTimeout>>();
  readonly #last = new Map<Kind, number>();
  #connection: Connection = 'opening';

  constructor(queries: QueryClient) {
    this.#queries = queries;
  }

  get connection(): Connection {
    return this.#connection;
  }

  connected(connection: Connection): void {
    if (connection === this.#connection) return;
    // Whatever was missed: by a break, or between the first answers and the stream's beginning.
    if (connection === 'live') {
      const isFirst = this.#connection === 'opening';
      void this.#queries.invalidateQueries(isFirst ? { predicate: (query) => isConcerned(query, 'directory') } : {});
    }
    this.#connection = connection;
    this.#queries.setQueryData(connectionKey, connection);
  }

  hear({ kind, data }: Heard): void {
    if (kind === 'end') {
      void this.#queries.invalidateQueries({ queryKey: sessionKey });
      return;
    }
    const known = kinds.find((one) => one === kind);
    if (known === undefined) return;
    const value = JSON.parse(data) as { readonly areas?: readonly string[] };
    if (known === 'queue' && 'messages' in value) this.#queries.setQueryData(queueKey, value);
    if (known === 'directory' && value.areas?.length === 0) return;
    if (this.#timers.has(known)) return;
    const { milliseconds } = concerned[known];
    const wait = Math.max(0, (this.#last.get(known) ?? 0) + milliseconds - performance.now());
    this.#timers.set(
      known,
      setTimeout(() => {
        this.#timers.delete(known);
        this.#last.set(known, performance.now());
        void this.#queries.invalidateQueries({ predicate: (query) => isConcerned(query, known) });
      }, wait),
    );
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }
}

function isConcerned({ queryKey, state }: Query, kind: Kind): boolean {
  const [name] = queryKey;
  if (typeof name !== 'string' || name === sessionKey[0] || !concerned[kind].areas.test(name)) return false;
  const pages = (state.data as { readonly pages?: readonly unknown[] } | undefined)?.pages;
  return (pages?.length ?? 0) <= maxPagesAgain;
}

/** Who has the lock listens; the lock passes on when its tab is closed. Returns what ends it. */
function shareBetweenTabs(login: string, live: LiveEvents): () => void {
  const channel = new BroadcastChannel(`posthaste-live ${login}`);
  const tell = (told: Told): void => channel.postMessage(told);
  const ending = new AbortController();
  let isListening = false;
  channel.onmessage = ({ data }: MessageEvent<Told>) => {
    if ('heard' in data) live.hear(data.heard);
    else if ('connection' in data) live.connected(data.connection);
    else if (isListening) tell({ connection: live.connection });
  };
  tell({ asks: true });
  const listen = async (): Promise<void> => {
    isListening = true;
    await hold(ending.signal, (told) => {
      if ('heard' in told) live.hear(told.heard);
      if ('connection' in told) live.connected(told.connection);
      if (!ending.signal.aborted) tell(told);
    });
  };
  // Browsers have locks where the page is secure: HTTPS, or this machine.
  if ('locks' in navigator) {
    navigator.locks.request(`posthaste-live ${login}`, { signal: ending.signal }, listen).catch(() => undefined);
  } else void listen();
  return () => {
    ending.abort();
    channel.close();
  };
}

/** Listens until `signal`, with longer and longer waits where the server is not there. */
function hold(signal: AbortSignal, tell: (told: Told) => void): Promise<void> {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait = firstWaitMilliseconds;
  let lastId = '';
  if (signal.aborted) return Promise.resolve();
  const open = (): void => {
    source = new EventSource(`/api/v1/events${lastId === '' ? '' : `?after=${encodeURIComponent(lastId)}`}`);
    source.onopen = () => {
      wait = firstWaitMilliseconds;
      tell({ connection: 'live' });
    };
    source.onerror = () => {
      tell({ connection: 'lost' });
      again();
    };
    for (const kind of [...kinds, 'end']) {
      source.addEventListener(kind, (event: MessageEvent<string>) => {
        if (event.lastEventId !== '') lastId = event.lastEventId;
        tell({ heard: { kind, data: event.data } });
        if (kind === 'end') again();
      });
    }
  };
  const again = (): void => {
    source?.close();
    clearTimeout(timer);
    timer = setTimeout(open, wait * (0.75 + Math.random() / 2));
    wait = Math.min(longestWaitMilliseconds, wait * 2);
  };
  open();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      source?.close();
      resolve();
    });
  });
}
