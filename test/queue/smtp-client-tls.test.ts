// STARTTLS as a client, against a server with a certificate of its own: opportunistic, required, and failing.

import { spawnSync } from 'node:child_process';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import { deliver } from '../../src/smtp-client/deliver.ts';
import { testOptions } from './client-options.ts';
import { envelope, polite, ScriptedServer } from './scripted-server.ts';

const openssl = spawnSync('openssl', ['version']).status === 0;

// Skipped where openssl (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
describe.skipIf(!openssl)('TLS', () => {
  let context: ReturnType<typeof createSecureContext>;

  beforeAll(() => {
    const command =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=mx.example -days 2 -keyout - -out -';
    const pem = spawnSync('openssl', command.split(' ')).stdout.toString();
    context = createSecureContext({ key: pem, cert: pem });
  });

  /** Offers STARTTLS; `isBroken`: and then fails the handshake. */
  async function tlsServer(isBroken = false): Promise<{ port: number; seen: string[]; close: () => void }> {
    const seen: string[] = [];
    const serve = (socket: Socket, isSecure: boolean) => {
      let isData = false;
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        for (const line of chunk.toString().split('\r\n').slice(0, -1)) {
          if (isData && line !== '.') continue;
          isData = line === 'DATA';
          seen.push(`${isSecure ? 'tls ' : ''}${line}`);
          if (line === 'STARTTLS') {
            socket.removeAllListeners('data');
            socket.write('220 go\r\n');
            if (isBroken) socket.once('data', () => socket.end('nonsense'));
            else serve(new TLSSocket(socket, { isServer: true, secureContext: context }), true);
            return;
          }
          if (line.startsWith('EHLO'))
            socket.write(isSecure ? '250 mx.example\r\n' : '250-mx.example\r\n250 STARTTLS\r\n');
          else socket.write(isData ? '354 go\r\n' : '250 Ok\r\n');
        }
      });
    };
    const server = createServer((socket) => {
      socket.write('220 mx.example\r\n');
      serve(socket, false);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { port: (server.address() as AddressInfo).port, seen, close: () => server.close() };
  }

  test('is used where it is offered, and EHLO is said again', async () => {
    const { port, seen, close } = await tlsServer();
    const report = await deliver(`[127.0.0.1]:${port}`, envelope(['ann@b.example']), testOptions({ tls: 'may' }));
    close();
    expect(report.outcomes[0]?.kind).toBe('delivered');
    expect(seen.slice(0, 4)).toEqual([
      'EHLO client.example',
      'STARTTLS',
      'tls EHLO client.example',
      'tls MAIL FROM:<joe@a.example>',
    ]);
  });

  test('that fails is done without where it is a wish, not where it is an order', async () => {
    const { port, seen, close } = await tlsServer(true);
    const wish = await deliver(`[127.0.0.1]:${port}`, envelope(['ann@b.example']), testOptions({ tls: 'may' }));
    expect(wish.outcomes[0]?.kind).toBe('delivered');
    seen.length = 0;
    const order = await deliver(`[127.0.0.1]:${port}`, envelope(['ann@b.example']), testOptions({ tls: 'encrypt' }));
    close();
    expect(order.outcomes[0]).toMatchObject({ kind: 'deferred', status: '4.7.5' });
    expect(seen.join()).not.toContain('MAIL');
  });

  test('that is an order is not done without', async () => {
    const server = new ScriptedServer(polite);
    const port = await server.listen();
    const report = await deliver(`[127.0.0.1]:${port}`, envelope(['ann@b.example']), testOptions({ tls: 'encrypt' }));
    await server.close();
    const [outcome] = report.outcomes;
    expect(`${outcome?.kind} ${outcome?.status} ${outcome?.reason}`).toBe(
      'deferred 4.7.4 TLS is required, but was not offered by host 127.0.0.1[127.0.0.1]',
    );
  });
});
