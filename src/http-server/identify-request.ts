// Who sends a request: a token in Authorization, or a session in a cookie. A cookie is sent by browsers whatever page asks,
// so with one a change must come from a page of ours (Origin, else Sec-Fetch-Site); a token is sent by nobody by mistake.
// On loopback without TLS the names that lead there are the only ones that are answered to: a page of elsewhere must not
// reach this server by a name of its own that leads to 127.0.0.1.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { identifySession, identifyToken, nobody } from '../admin/identify.ts';
import type { Principal } from '../admin/principal.ts';
import { fail } from '../admin/problem.ts';
import type { Directory } from '../directory/directory.ts';
import { sessionMilliseconds } from '../directory/web-sessions.ts';
import type { Clock } from '../lib/clock.ts';
import { clientAddress } from './client-address.ts';

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal;
  }
}

/** `__Host-`: only by HTTPS, of this host alone, for all paths (RFC 6265bis §4.1.3.2). Browsers refuse it without TLS. */
const secureCookie = '__Host-posthaste';
const loopbackCookie = 'posthaste-session';
const loopbackHost = /^(?:localhost|[a-z0-9-]+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i;

export function identifyRequest(
  app: FastifyInstance,
  { directory, clock }: { readonly directory: Directory; readonly clock: Clock },
): void {
  app.decorateRequest('principal', null as unknown as Principal);
  app.addHook('onRequest', async (request) => {
    const address = clientAddress(request.raw);
    request.principal = nobody(address);
    if (!isSecure(request) && !loopbackHost.test(request.headers.host ?? '')) {
      fail(403, 'unknown-host', 'by plain HTTP this server is reached as localhost only');
    }
    await directory.fresh();
    const principal = findPrincipal(request, { directory, clock });
    if (principal === undefined) {
      if (request.headers.authorization !== undefined) fail(401, 'token', 'this token is not good, or no longer');
      return;
    }
    if (principal.scopes === undefined && request.method !== 'GET' && !isSameOrigin(request)) {
      fail(403, 'cross-site', 'a page of another site has asked for this: it is not done');
    }
    request.principal = principal;
  });
}

/** Whose token or session it is now; undefined: nobody's. The directory must be fresh. `isUse`: it counts as used. */
export function findPrincipal(
  request: FastifyRequest,
  { directory, clock }: { readonly directory: Directory; readonly clock: Clock },
  isUse = true,
): Principal | undefined {
  const address = clientAddress(request.raw);
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const secret = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization)?.[1];
    return secret ? identifyToken(directory, secret, address, clock, isUse) : undefined;
  }
  const secret = request.cookies[cookieName(request)];
  return secret ? identifySession(directory, secret, address, clock, isUse) : undefined;
}

function isSecure(request: FastifyRequest): boolean {
  return (request.raw.socket as { readonly encrypted?: boolean }).encrypted === true;
}

function cookieName(request: FastifyRequest): string {
  return isSecure(request) ? secureCookie : loopbackCookie;
}

/** Of our own pages. */
export function originOf(request: FastifyRequest): string {
  return `${isSecure(request) ? 'https' : 'http'}://${request.headers.host ?? ''}`;
}

/** Also for a login without a cookie: nobody is to be logged in to somebody else's account. */
export function isSameOrigin(request: FastifyRequest): boolean {
  const { origin } = request.headers;
  if (origin !== undefined) return origin === originOf(request);
  const site = request.headers['sec-fetch-site'];
  return site === undefined ? request.headers['cookie'] === undefined : site === 'same-origin';
}

/** What a browser keeps; undefined takes it away. */
export function setSessionCookie(request: FastifyRequest, reply: FastifyReply, secret: string | undefined): void {
  const options = { path: '/', httpOnly: true, secure: isSecure(request), sameSite: 'strict' } as const;
  if (secret === undefined) reply.clearCookie(cookieName(request), options);
  else reply.setCookie(cookieName(request), secret, { ...options, maxAge: sessionMilliseconds / 1000 });
}
