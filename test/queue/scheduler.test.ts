// The life of queued mail on a real store with a clock that the tests move: retries, notices, limits, restarts.

import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Harness, later, never, sent } from './harness.ts';

let queue: Harness;
beforeEach(async () => {
  queue = await Harness.open({ delayWarningSeconds: 4 * 3600, lifetimeSeconds: 86400 });
});
afterEach(() => queue.close());
afterAll(() => Harness.end());

describe('one message', () => {
  test('goes out at once, and leaves the queue', async () => {
    const id = await queue.send(['bob@far.example', 'eve@far.example', 'tom@other.example']);
    expect(queue.remote.requests.map(({ nexthop, recipients }) => [nexthop, recipients.length])).toEqual([
      ['far.example', 2],
      ['other.example', 1],
    ]);
    expect(queue.queued()).toEqual([]);
    expect(queue.logged(`${id}: to=<bob@far.example>, relay=mx[192.0.2.1]:25, delay=0`)).toHaveLength(1);
    expect(queue.logged(`${id}: removed`)).toHaveLength(1);
  });

  test('is put off by its age between the back-off times', async () => {
    queue.remote.answer = () => later;
    await queue.send(['bob@far.example']);
    const waits: number[] = [];
    for (let round = 0; round < 6; round++) {
      const wait = ((queue.queued()[0]?.nextAttempt ?? 0) - queue.clock.now()) / 1000;
      waits.push(wait);
      await queue.pass(wait);
    }
    expect(waits).toEqual([300, 300, 600, 1200, 2400, 4000]);
  });

  test('is tried again only for recipients that are open', async () => {
    queue.remote.answer = (recipient) => (recipient.startsWith('bob') ? later : sent);
    await queue.send(['bob@far.example', 'eve@far.example']);
    expect(queue.queued()[0]?.recipients.map(({ recipient }) => recipient)).toEqual(['bob@far.example']);
    queue.remote.answer = () => sent;
    await queue.pass(300);
    expect(queue.remote.requests[1]?.recipients.map(({ recipient }) => recipient)).toEqual(['bob@far.example']);
    expect(queue.queued()).toEqual([]);
  });

  test('with refused recipients brings one notice for all of them', async () => {
    queue.remote.answer = () => ({ ...never, remoteMta: 'mx.far.example', diagnostic: '550 5.1.1 no' });
    await queue.send(['bob@far.example', 'tom@other.example'], { sender: 'ann@local.example' });
    const [notice, ...others] = await queue.inbox(1);
    expect(others).toEqual([]);
    expect(notice).toContain('Return-Path: <>\r\nX-Original-To: ann@local.example');
    expect(notice?.match(/Action: failed/g)).toHaveLength(2);
    expect(notice).toContain('Remote-MTA: dns; mx.far.example\r\nDiagnostic-Code: smtp; 550 5.1.1 no');
    expect(queue.queued()).toEqual([]);
  });

  test('warns once when it is late, and comes back when its life is over', async () => {
    queue.remote.answer = () => later;
    const id = await queue.send(['bob@far.example'], { sender: 'ann@local.example' });
    for (let hour = 0; hour < 6; hour++) await queue.pass(3600);
    const [warning, ...others] = await queue.inbox(1);
    expect(others).toEqual([]);
    expect(warning).toContain('Subject: Delayed Mail (still being retried)');
    for (let hour = 0; hour < 20; hour++) await queue.pass(3600);
    expect(queue.logged(`${id}: from=<ann@local.example>, status=expired, returned to sender`)).toHaveLength(1);
    expect((await queue.inbox(1)).map((text) => /Subject: (.*)/.exec(text)?.[1])).toEqual([
      'Delayed Mail (still being retried)',
      'Undelivered Mail Returned to Sender',
    ]);
    expect(queue.queued()).toEqual([]);
  });

  test('that is a notice itself causes no other', async () => {
    queue.remote.answer = () => never;
    const id = await queue.send(['bob@far.example'], { sender: '' });
    expect(queue.queued()).toEqual([]);
    expect(queue.logged(`${id}: undeliverable notification discarded`)).toHaveLength(1);
    expect(queue.remote.requests).toHaveLength(1);
  });

  test('whose notice must go elsewhere is followed by that notice in the queue', async () => {
    queue.remote.answer = (recipient) => (recipient.startsWith('joe') ? later : never);
    await queue.send(['bob@far.example']);
    expect(queue.queued().map(({ sender, recipients }) => [sender, recipients[0]?.recipient])).toEqual([
      ['', 'joe@away.example'],
    ]);
  });

  test('for a transport that master.cf does not have waits', async () => {
    await queue.send(['x@odd.example']);
    expect(queue.queued()[0]?.recipients[0]).toMatchObject({ status: '4.3.0', reason: 'mail transport unavailable' });
  });

  test('waits when the agent throws', async () => {
    queue.remote.answer = () => {
      throw new Error('broken');
    };
    await queue.send(['bob@far.example']);
    expect(queue.queued()[0]?.recipients[0]).toMatchObject({ state: 'deferred', reason: 'broken' });
  });

  test('keeps its refusal for later while the sender cannot be routed', async () => {
    queue.remote.answer = () => {
      queue.isSilent = true;
      return never;
    };
    await queue.send(['bob@far.example'], { sender: 'ann@local.example' });
    expect(queue.queued()).toHaveLength(1);
    queue.remote.answer = () => never;
    queue.isSilent = false;
    await queue.pass(300);
    expect(await queue.inbox(1)).toHaveLength(1);
    expect(queue.queued()).toEqual([]);
  });
});

describe('after a restart', () => {
  test('what had not been tried is tried, what had been delivered is not', async () => {
    queue.remote.answer = (recipient) => (recipient.startsWith('bob') ? later : sent);
    await queue.send(['bob@far.example', 'eve@far.example']);
    queue.clock.advance(300_000);
    queue.remote.answer = () => sent;
    await queue.restart();
    queue.scheduler.start();
    await queue.scheduler.whenIdle();
    const all = queue.remote.requests.flatMap(({ recipients }) => recipients.map(({ recipient }) => recipient));
    expect(all).toEqual(['bob@far.example', 'eve@far.example', 'bob@far.example']);
    expect(queue.queued()).toEqual([]);
  });

  test('a delivery that was cut off is due at once', async () => {
    queue.remote.gate = new Promise(() => undefined);
    await queue.queue.submit(await queue.submission(['bob@far.example']));
    await queue.crash();
    queue.remote.gate = undefined;
    await queue.start();
    queue.scheduler.start();
    await queue.scheduler.whenIdle();
    expect(queue.queued()).toEqual([]);
  });
});

test('a delivery that the end of the server cuts off is neither recorded nor put off', async () => {
  let open = () => {};
  queue.remote.gate = new Promise((resolve) => {
    open = resolve;
  });
  queue.remote.answer = (_, { signal }) => (signal.aborted ? later : sent);
  await queue.queue.submit(await queue.submission(['bob@far.example']));
  const closed = queue.scheduler.close(10);
  setTimeout(() => open(), 50);
  await closed;
  expect(queue.queued()[0]).toMatchObject({ nextAttempt: queue.clock.now(), recipients: [{ state: 'pending' }] });
});

describe('flush', () => {
  test('tries everything once, whatever its time', async () => {
    queue.remote.answer = () => later;
    await queue.send(['bob@far.example']);
    await queue.send(['tom@other.example']);
    await queue.scheduler.flush();
    await queue.scheduler.whenIdle();
    expect(queue.remote.requests).toHaveLength(4);
  });
});

describe('many messages', () => {
  test('to one destination run at most initial_destination_concurrency at first, more with success', async () => {
    let open = () => {};
    queue.remote.gate = new Promise((resolve) => {
      open = resolve;
    });
    for (let count = 0; count < 30; count++) {
      await queue.queue.submit(await queue.submission([`bob${count}@far.example`]));
    }
    expect(queue.remote.running).toBe(5);
    open();
    await queue.scheduler.whenIdle();
    expect(queue.remote.mostRunning).toBeGreaterThan(5);
    expect(queue.remote.mostRunning).toBeLessThanOrEqual(20);
    expect(queue.queued()).toEqual([]);
  });

  test('to a dead destination are put off without a try', async () => {
    queue.remote.unreachable = true;
    queue.remote.answer = () => ({
      ...later,
      status: '4.4.1',
      reason: 'connect to far[192.0.2.1]:25: Connection refused',
    });
    for (let count = 0; count < 10; count++) await queue.send([`bob${count}@far.example`]);
    const tried = queue.remote.requests.length;
    expect(tried).toBeLessThan(10);
    const line = queue.logged('bob9@far.example')[0];
    expect(line).toContain('postfix/error: ');
    expect(line).toContain(
      'status=deferred (delivery temporarily suspended: connect to far[192.0.2.1]:25: Connection refused)',
    );
    queue.remote.unreachable = false;
    queue.remote.answer = () => sent;
    await queue.pass(300);
    expect(queue.queued()).toEqual([]);
  });

  test('above the active limit are taken up as others are done', async () => {
    await queue.close();
    queue = await Harness.open({ activeLimit: 4, limits: { processLimit: 2 } });
    for (let count = 0; count < 20; count++) {
      await queue.queue.submit(await queue.submission([`bob@far${count}.example`]));
      expect(queue.scheduler.activeCount).toBeLessThanOrEqual(4);
    }
    await queue.scheduler.whenIdle();
    expect(queue.queued()).toEqual([]);
    expect(queue.remote.mostRunning).toBeLessThanOrEqual(2);
    expect(queue.remote.requests).toHaveLength(20);
  });

  test('more than a page of them are all found', async () => {
    queue.remote.answer = () => later;
    await Promise.all(
      Array.from({ length: 250 }, async (_, count) =>
        queue.queue.submit(await queue.submission([`bob@far${count}.example`])),
      ),
    );
    await queue.scheduler.whenIdle();
    queue.remote.answer = () => sent;
    await queue.pass(300);
    expect(queue.queued()).toEqual([]);
  });
});

describe('when slots are few', () => {
  /** Everything waits at the gate until the test opens it. */
  function close(): () => void {
    let open = () => {};
    queue.remote.gate = new Promise((resolve) => {
      open = resolve;
    });
    return () => {
      queue.remote.gate = undefined;
      open();
    };
  }
  const submit = async (recipient: string) => queue.queue.submit(await queue.submission([recipient]));
  const order = () => queue.remote.requests.map(({ nexthop }) => nexthop);

  test('a huge destination does not keep the others waiting', async () => {
    await queue.close();
    queue = await Harness.open({ limits: { processLimit: 2 } });
    const open = close();
    for (let count = 0; count < 40; count++) await submit(`bob${count}@huge.example`);
    for (let count = 0; count < 4; count++) await submit(`bob@small${count}.example`);
    open();
    await queue.scheduler.whenIdle();
    const last = Math.max(...order().flatMap((nexthop, index) => (nexthop === 'huge.example' ? [] : [index])));
    expect(order()).toHaveLength(44);
    expect(last).toBeLessThan(14);
  });

  test('mail that came last is among the next to leave', async () => {
    await queue.close();
    queue = await Harness.open({ limits: { processLimit: 2 } });
    const open = close();
    for (let count = 0; count < 60; count++) await submit(`bob@dead${count}.example`);
    await submit('bob@live.example');
    open();
    await queue.scheduler.whenIdle();
    expect(order().indexOf('live.example')).toBeLessThan(6);
  });

  test('mail that comes in is taken up though as many are active as may be', async () => {
    await queue.close();
    queue = await Harness.open({ activeLimit: 10, limits: { processLimit: 2 } });
    const open = close();
    for (let count = 0; count < 30; count++) await submit(`bob@dead${count}.example`);
    await submit('bob@live.example');
    expect(queue.scheduler.activeCount).toBe(10);
    open();
    await queue.scheduler.whenIdle();
    expect(order().indexOf('live.example')).toBeLessThan(6);
    // Those that gave their place away have come back.
    expect(order()).toHaveLength(31);
    expect(queue.queued()).toEqual([]);
  });

  test('servers that are silent for a second give theirs away', async () => {
    await queue.close();
    queue = await Harness.open({ limits: { processLimit: 2, givesSlowSlotsAway: true } });
    const open = close();
    for (let count = 0; count < 6; count++) await submit(`bob@silent${count}.example`);
    await submit('bob@live.example');
    expect(queue.remote.running).toBe(2);
    queue.clock.advance(1000);
    while (queue.remote.running < 4) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(order()).toContain('live.example');
    queue.clock.advance(1000);
    while (queue.remote.running < 6) await new Promise((resolve) => setTimeout(resolve, 10));
    open();
    await queue.scheduler.whenIdle();
    expect(queue.queued()).toEqual([]);
  });

  test('a quarter of them is kept from what was put off before', async () => {
    await queue.close();
    queue = await Harness.open({ limits: { processLimit: 4 } });
    queue.remote.answer = () => later;
    for (let count = 0; count < 8; count++) await queue.send([`bob@slow${count}.example`]);
    queue.remote.answer = () => sent;
    const open = close();
    queue.clock.advance(301_000);
    await queue.scheduler.scan();
    expect(queue.remote.running).toBe(3);
    await submit('bob@live.example');
    expect(queue.remote.running).toBe(4);
    expect(order().at(-1)).toBe('live.example');
    open();
    await queue.scheduler.whenIdle();
    expect(queue.queued()).toEqual([]);
  });
});

test('defer_transports: mail waits until the queue is flushed', async () => {
  await queue.close();
  queue = await Harness.open({ deferTransports: ['smtp'] });
  await queue.send(['bob@far.example']);
  expect(queue.remote.requests).toEqual([]);
  expect(queue.queued()[0]?.recipients[0]).toMatchObject({ state: 'deferred', status: '4.3.2' });
  await queue.pass(300);
  expect(queue.remote.requests).toEqual([]);
  await queue.scheduler.flush();
  await queue.scheduler.whenIdle();
  expect(queue.remote.requests).toHaveLength(1);
  expect(queue.queued()).toEqual([]);
});

test('a rate delay sends one at a time, with the pause between them', async () => {
  await queue.close();
  queue = await Harness.open({ limits: { rateDelayMilliseconds: 60 } });
  const times: number[] = [];
  queue.remote.answer = () => {
    times.push(performance.now());
    queue.clock.advance(1);
    return sent;
  };
  const ticking = setInterval(() => queue.clock.advance(5), 5);
  for (let count = 0; count < 3; count++) await queue.queue.submit(await queue.submission([`bob${count}@far.example`]));
  while (queue.queued().length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  clearInterval(ticking);
  expect(queue.remote.mostRunning).toBe(1);
  expect(Math.min(...times.slice(1).map((time, index) => time - (times[index] ?? 0)))).toBeGreaterThan(40);
});

test('a transport rate delay holds for all destinations together', async () => {
  await queue.close();
  queue = await Harness.open({ limits: { transportRateDelayMilliseconds: 60 } });
  const times: number[] = [];
  queue.remote.answer = () => {
    times.push(performance.now());
    return sent;
  };
  const ticking = setInterval(() => queue.clock.advance(5), 5);
  for (let count = 0; count < 3; count++) await queue.queue.submit(await queue.submission([`bob@far${count}.example`]));
  while (queue.queued().length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  clearInterval(ticking);
  expect(times).toHaveLength(3);
  expect(Math.min(...times.slice(1).map((time, index) => time - (times[index] ?? 0)))).toBeGreaterThan(40);
});

test('mail put off by a clock that was a day ahead is not forgotten for a day', async () => {
  queue.remote.answer = () => later;
  queue.clock.advance(86_400_000);
  await queue.send(['bob@far.example']);
  queue.remote.answer = () => sent;
  queue.clock.advance(-86_400_000);
  await queue.scheduler.scan();
  await queue.scheduler.whenIdle();
  expect(queue.queued()).toEqual([]);
});

test('soft_bounce puts refusals off', async () => {
  await queue.close();
  queue = await Harness.open({ softBounce: true });
  queue.remote.answer = () => never;
  await queue.send(['bob@far.example']);
  expect(queue.queued()[0]?.recipients[0]).toMatchObject({ state: 'deferred', status: '4.1.1' });
});

test('more recipients than the transport takes go in several deliveries', async () => {
  await queue.close();
  queue = await Harness.open({ limits: { recipientLimit: 2 } });
  await queue.send(['a@far.example', 'b@far.example', 'c@far.example']);
  expect(queue.remote.requests.map(({ recipients }) => recipients.length)).toEqual([2, 1]);
});
