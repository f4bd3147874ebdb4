// The headers that tell browsers to be careful with every answer. They are the same for all, and helmet would put them together
// anew for each: it is asked once. The page has a policy of its own in place of this one (page.ts).

import helmet from '@fastify/helmet';
import fastify, { type FastifyInstance } from 'fastify';

/** What an answer has besides. */
const otherHeaders = new Set(['connection', 'content-length', 'content-type', 'date']);

export async function addSecurityHeaders(app: FastifyInstance): Promise<void> {
  const headers = await askHelmet();
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
}

async function askHelmet(): Promise<Readonly<Record<string, string>>> {
  const app = fastify({ logger: false });
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'no-referrer' },
  });
  app.get('/', (_request, reply) => reply.send());
  const { headers } = await app.inject('/');
  await app.close();
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (otherHeaders.has(name) ? [] : [[name, String(value)]])),
  );
}
