// The queue of a host elsewhere, in the form in which the local one is listed.

import type { QueueChange } from '../queue/queue-changes.ts';
import { expiredByForce, type QueueMessage } from '../mailstore/types.ts';
import type { ListedMessage, QueueName } from './queue-store.ts';
import type { RemoteHost } from './remote-host.ts';

type ToldMessage = Pick<QueueMessage, 'id' | 'sender' | 'size' | 'arrival' | 'attempts' | 'recipients'> & {
  readonly state: QueueName;
  readonly nextAttempt?: number;
  readonly isExpired: boolean;
};

const pageLength = 200;

function toListed(told: ToldMessage): ListedMessage {
  const { id, state, sender, size, arrival, attempts, recipients, isExpired, nextAttempt = 0 } = told;
  const row = {
    id,
    size,
    sender,
    arrival,
    attempts,
    recipients,
    hold: state === 'hold',
    nextAttempt: isExpired ? expiredByForce : nextAttempt,
  } as unknown as QueueMessage;
  return { queue: state, id, arrival, size, isExpired, sender, recipients, row };
}

export async function* listRemoteQueue(remote: RemoteHost): AsyncIterable<ListedMessage> {
  let after: string | undefined;
  do {
    const query = { limit: pageLength, ...(after === undefined ? {} : { after }) };
    const page = await remote.call<{ items: readonly ToldMessage[]; next?: string }>('queue.list', query);
    for (const told of page.items) yield toListed(told);
    after = page.next;
  } while (after !== undefined);
}

export async function remoteMessage(remote: RemoteHost, id: string): Promise<ListedMessage> {
  return toListed(await remote.call<ToldMessage>('queue.show', { id }));
}

/** Of `ALL` messages, page by page. Gives how many were changed. */
export async function changeRemoteQueue(
  remote: RemoteHost,
  change: QueueChange,
  ids: readonly string[],
): Promise<number> {
  let wanted: string[] = [];
  let count = 0;
  const send = async (): Promise<void> => {
    if (wanted.length === 0) return;
    count += (await remote.call<{ ids: readonly string[] }>(`queue.${change}`, { ids: wanted })).ids.length;
    wanted = [];
  };
  const all: string[] = [];
  if (ids.includes('ALL')) for await (const { id } of listRemoteQueue(remote)) all.push(id);
  for (const id of ids.includes('ALL') ? all : ids) if (wanted.push(id) >= pageLength) await send();
  await send();
  return count;
}
