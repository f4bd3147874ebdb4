// The metrics of a running server: what they count, who may read them.

import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ObservedServer } from './observed-server.ts';

const token = 'a-token-of-enough-length';
let server: ObservedServer;
beforeAll(async () => {
  server = await ObservedServer.start(
    { posthaste_metrics_token_file: '$config_directory/token' },
    { token: `${token}\n` },
  );
});
afterAll(() => server.stop());

const shown = { authorization: `Bearer ${token}` };

async function get(path: string, init: RequestInit = {}) {
  const response = await fetch(`http://127.0.0.1:${server.metricsPort}${path}`, init);
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** The value of one sample. */
function value(page: string, sample: string): number {
  return Number(
    page
      .split('\n')
      .find((line) => line.startsWith(`${sample} `))
      ?.slice(sample.length + 1),
  );
}

test('counts mail in and out, refusals, stages, commits', async () => {
  const before = await server.metrics(shown);
  await server.send('bob@example.com', ['anna@example.com', 'a@relay.test', 'b@dead.test', 'c@gone.test']);
  await server.send('x@example.net', ['nobody@example.com']);
  await server.logged('status=deferred');
  // The queue is looked at once a second.
  await sleep(1100);
  const page = await server.metrics(shown);
  const grown = (sample: string) => value(page, sample) - (value(before, sample) || 0);
  expect(grown('posthaste_recipients_accepted_total')).toBe(5);
  expect(grown('posthaste_recipients_total{outcome="delivered"}')).toBe(2);
  expect(grown('posthaste_recipients_total{outcome="relayed"}')).toBe(1);
  expect(grown('posthaste_recipients_total{outcome="bounced"}')).toBe(1);
  expect(value(page, 'posthaste_queue_messages{state="deferred"}')).toBe(1);
  expect(value(page, 'posthaste_queue_recipients{state="waiting"}')).toBe(1);
  expect(grown('posthaste_delivery_attempts_total{transport="smtp",outcome="deferred"}')).toBe(1);
  expect(grown('posthaste_smtp_refusals_total{stage="RCPT",code="550"}')).toBe(1);
  expect(grown('posthaste_stage_seconds_count{stage="recipient"}')).toBe(5);
  expect(grown('posthaste_stage_seconds_count{stage="commit"}')).toBe(1);
  expect(grown('posthaste_stage_seconds_count{stage="queue"}')).toBe(3);
  expect(grown('posthaste_store_commit_seconds_count')).toBeGreaterThan(0);
  // The look whether it listens may be counted late.
  expect(grown('posthaste_smtp_connections_total{service="postfix/smtpd"}')).toBeGreaterThanOrEqual(2);
  expect(value(page, 'posthaste_accounting_mismatch')).toBe(0);
  expect(value(page, 'process_resident_memory_bytes')).toBeGreaterThan(1e7);
  expect(value(page, 'posthaste_store_wal_bytes')).toBeGreaterThanOrEqual(0);
  expect(page).toContain('posthaste_event_loop_delay_seconds{quantile="0.99"}');
});

test('every line is one of the format, and every name is told once', async () => {
  const lines = (await server.metrics(shown)).trimEnd().split('\n');
  const names = lines.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ')[2]);
  expect(new Set(names).size).toBe(names.length);
  const form = /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z]+="[^"\\]*",?)+\})? -?[\d.]+(e[+-]?\d+)?)$/;
  expect(lines.filter((line) => !form.test(line))).toEqual([]);
});

test('only GET /metrics, and only with the token', async () => {
  expect(await get('/metrics')).toMatchObject({ status: 401 });
  expect(await get('/metrics', { headers: { authorization: 'Bearer wrong' } })).toMatchObject({ status: 401 });
  expect((await get('/')).text).not.toContain('posthaste');
  expect(await get('/', { headers: shown })).toMatchObject({ status: 404 });
  expect(await get('/metrics', { headers: shown, method: 'POST', body: 'x' })).toMatchObject({ status: 405 });
  const good = await get('/metrics', { headers: shown });
  expect(good.status).toBe(200);
  expect(good.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
});

test('what is no HTTP is cut off, and a long header refused', async () => {
  const say = (text: string) =>
    new Promise<string>((resolve) => {
      const socket = connect(server.metricsPort, '127.0.0.1', () => socket.write(text));
      let answer = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        answer += chunk;
      });
      socket.on('error', () => undefined).on('close', () => resolve(answer));
    });
  expect(await say('EHLO x\r\n\r\n')).toContain('400');
  expect(await say(`GET /metrics HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)).toContain('431');
  expect(await say('GET /metrics HTTP/1.1\r\n')).toContain('408');
}, 20_000);

test('listening where others reach it needs a token', async () => {
  const open = await ObservedServer.start({ posthaste_metrics_listen: '0.0.0.0:0' }).then(
    () => 'started',
    (error: Error) => error.message,
  );
  expect(open).toContain('0.0.0.0 can be reached from elsewhere: set posthaste_metrics_token_file');
});
