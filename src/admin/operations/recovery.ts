// The way back when a mailbox's password is forgotten: its owner names an address elsewhere beforehand; a stranger may ask for
// a link to a new password, and learns nothing by it. Administrators are helped by administrators: they have no such address.

import { Type } from 'typebox';
import { passGate } from '../../auth/login-gate.ts';
import { hashPassword } from '../../auth/password-scheme.ts';
import { secretDigest } from '../../directory/api-tokens.ts';
import { codeDigest } from '../account-recovery.ts';
import { identifyOwner } from '../identify.ts';
import { checkNewPassword } from '../new-passwords.ts';
import { type OperationContext, operation } from '../operation.ts';
import { needPassword } from '../password-login.ts';
import type { Principal } from '../principal.ts';
import { fail } from '../problem.ts';
import { addressNotice, passwordNotice } from '../recovery-letters.ts';
import { address, anyText, count, object, optional, password, removed, time, yes } from '../schemas.ts';
import { checkSecondFactor, failWithoutCode } from '../totp.ts';
import { keysOf, ownerOf } from './account.ts';

const token = anyText('From the link that was mailed.', 200);
const personal = { access: { who: 'known' }, isPersonal: true } as const;
const tooMany = 'too many have asked for this: try again later';

/** The number of the mailbox that has logged in. */
function mailboxOf(principal: Principal): number {
  const { kind, id } = ownerOf(principal);
  if (kind === 'mailbox') return id;
  fail(422, 'refused', 'only a mailbox has a recovery address: administrators set new passwords for each other');
}

type Asking = Pick<OperationContext, 'directory' | 'server' | 'principal'>;

/** Throws ProblemError. Guesses pass the gate of logins; each link's own name, so that none locks another out. */
async function needLink(given: string, { directory, server, principal }: Asking) {
  const digest = secretDigest(given);
  const look = async () => {
    const link = await directory.recovery.link(digest, server.clock.now());
    const owner = link && { kind: 'mailbox' as const, id: link.mailbox };
    const known = owner && identifyOwner(directory, owner, principal.address, server.clock.now());
    return link && owner && known ? { link, owner, known } : undefined;
  };
  let found: Awaited<ReturnType<typeof look>>;
  const check = async () => {
    found = await look();
    return found === undefined
      ? ({ kind: 'denied', reason: 'wrong link' } as const)
      : ({ kind: 'authenticated', login: found.known.login } as const);
  };
  const attempt = {
    account: `link ${digest}`,
    address: principal.address,
    protocol: 'http',
    mechanism: 'LINK',
  } as const;
  const result = await passGate(server.gate, attempt, check, given);
  if (result.kind === 'authenticated' && found !== undefined) return { ...found, digest };
  const { retryAfterSeconds } = result as { readonly retryAfterSeconds?: number };
  if (retryAfterSeconds !== undefined)
    fail(429, 'locked-out', 'too many wrong links: try again later', { retryAfterSeconds });
  fail(403, 'denied', 'this link is not good, or no longer', { field: 'token', mend: 'ask for a new one' });
}

async function setRecovery({ directory, server }: Asking, mailbox: string, next: string): Promise<void> {
  const { recoveryAddress: before } = await directory.mailboxes.need(mailbox);
  await directory.as(`api:${mailbox}`).mailboxes.set(mailbox, { recoveryAddress: next });
  const now = next === '' ? undefined : next;
  await (await server.recovery()).tell([mailbox, before], addressNotice(mailbox, server.hostname(), now));
}

const strangerOperations = [
  operation({
    name: 'recovery.ask',
    summary:
      'Ask for a link to a new password, mailed to the recovery address. The answer is the same for every address.',
    method: 'POST',
    path: '/recovery',
    input: object({ address: address('Of the mailbox.') }),
    output: object({ asked: Type.Literal(true) }),
    access: { who: 'anyone' },
    kind: 'act',
    run: async ({ address: asked }, { server, principal: { address: client } }) => {
      const attempt = { account: `recovery ${client}`, address: client, protocol: 'http', mechanism: 'LINK' } as const;
      const ticket = await server.gate.begin(attempt);
      if (ticket.kind === 'locked') {
        const { retryAfterSeconds } = ticket;
        fail(429, 'locked-out', 'too many wrong passwords: try again later', { retryAfterSeconds });
      }
      ticket.abandoned();
      if (!(await server.recovery()).ask(asked, client))
        fail(429, 'too-many-requests', tooMany, { retryAfterSeconds: 600 });
      return { asked: true };
    },
  }),
  operation({
    name: 'recovery.show',
    summary: 'Say whose a mailed link is. It stays good.',
    method: 'POST',
    path: '/recovery/link',
    input: object({ token }),
    output: object({
      login: address('Of the mailbox.'),
      code: yes('A code of the app is needed too.'),
      codesSince: optional(time('When codes of the app were set up: by a stranger, perhaps.')),
    }),
    access: { who: 'anyone' },
    kind: 'act',
    run: async (input, context) => {
      const { owner, known } = await needLink(input.token, context);
      const totp = await context.directory.secondFactors.totp(owner);
      return {
        login: known.login,
        ...(totp?.isConfirmed ? { code: true, codesSince: totp.created } : { code: false }),
      };
    },
  }),
  operation({
    name: 'recovery.reset',
    summary:
      'Set a new password by a mailed link, once. All sessions, tokens and passkeys end; codes of the app and app passwords go on.',
    method: 'POST',
    path: '/recovery/password',
    input: object({
      token,
      password: password('The new one.'),
      code: optional(anyText('Of the app, or a recovery code, where one is needed.', 64)),
    }),
    output: object({
      login: address('Of the mailbox.'),
      tokensRemoved: count('API tokens that ended.'),
      passkeysRemoved: count('Passkeys that ended.'),
      codes: yes('Codes of the app are asked for as before.'),
      appPasswords: count('App passwords that go on.'),
    }),
    access: { who: 'anyone' },
    kind: 'act',
    run: async ({ token: given, password: plain, code }, context) => {
      const { directory, server } = context;
      checkNewPassword(plain);
      const { owner, known, link, digest } = await needLink(given, context);
      const codes = await checkSecondFactor(directory, owner, code, known, server);
      const passwordHash = await hashPassword(plain);
      const keys = await directory.whole(`recovery:${known.login}`, async (view) => {
        await view.recovery.takeLink(digest);
        // Codes that have been switched on meanwhile are asked for too.
        if (!codes && (await view.secondFactors.totp(owner))?.isConfirmed) failWithoutCode();
        const before = await keysOf(view, owner, known.login);
        await view.mailboxes.set(known.login, { passwordHash });
        await view.sessions.removeAll(owner);
        return before;
      });
      await server.keepScramKeys(known.login, plain);
      const notice = passwordNotice(known.login, server.hostname(), { ...keys, codes });
      await (await server.recovery()).tell([known.login, link.address], notice);
      const { tokens: tokensRemoved, passkeys: passkeysRemoved, appPasswords } = keys;
      return { login: known.login, tokensRemoved, passkeysRemoved, codes, appPasswords };
    },
  }),
];

const ownerOperations = [
  operation({
    ...personal,
    name: 'account.recovery',
    summary: 'Show where a link to a new password goes when it is forgotten.',
    method: 'GET',
    path: '/account/recovery',
    input: object({}),
    output: object({
      isPossible: yes('Mailboxes have one; administrators do not.'),
      address: optional(anyText('It is set.')),
      started: optional(object({ address: anyText('It waits for its code.'), expires: time('Until when.') })),
    }),
    kind: 'read',
    run: async (_input, { principal, view, server }) => {
      const { kind, id } = ownerOf(principal);
      if (kind !== 'mailbox') return { isPossible: false };
      const { recoveryAddress } = await view.mailboxes.need(principal.login);
      const started = await view.recovery.started(id, server.clock.now());
      return {
        isPossible: true,
        ...(recoveryAddress === undefined ? {} : { address: recoveryAddress }),
        ...(started === undefined ? {} : { started }),
      };
    },
  }),
  operation({
    ...personal,
    name: 'account.recovery-start',
    summary: 'Name a recovery address: a code is mailed to it.',
    method: 'POST',
    path: '/account/recovery',
    input: object({ address: address('Elsewhere.'), password: password('The password.') }),
    output: object({ address: anyText('It waits for its code.'), expires: time('Until when.') }),
    kind: 'act',
    run: async ({ address: next, password: plain }, { principal, directory, server }) => {
      const mailbox = mailboxOf(principal);
      const wrong = { status: 403, detail: 'the password is wrong', field: 'password' } as const;
      await needPassword({ login: principal.login, password: plain, address: principal.address }, server, wrong);
      const recovery = await server.recovery();
      const code = recovery.newCode(mailbox) ?? fail(429, 'too-many-requests', tooMany, { retryAfterSeconds: 600 });
      const { recovery: kept } = directory.as(`api:${principal.login}`);
      const started = await kept.start(mailbox, next, codeDigest(mailbox, code));
      await recovery.sendCode(principal.login, started.address, code);
      return started;
    },
  }),
  operation({
    ...personal,
    name: 'account.recovery-confirm',
    summary: 'Confirm the recovery address by the code that was mailed to it.',
    method: 'POST',
    path: '/account/recovery/confirm',
    input: object({ code: anyText('From the letter.', 64) }),
    output: object({ address: anyText('It is set.') }),
    kind: 'act',
    run: async ({ code }, context) => {
      const { directory, server, principal } = context;
      const mailbox = mailboxOf(principal);
      let confirmed: string | undefined;
      const check = async () => {
        confirmed = await directory.recovery.confirm(mailbox, codeDigest(mailbox, code));
        return confirmed === undefined
          ? ({ kind: 'denied', reason: 'wrong recovery code' } as const)
          : ({ kind: 'authenticated', login: principal.login } as const);
      };
      const { login: account } = principal;
      const attempt = { account, address: principal.address, protocol: 'http', mechanism: 'CODE' } as const;
      await passGate(server.gate, attempt, check, code);
      if (confirmed === undefined) fail(422, 'invalid-field', 'this code is not good, or no longer', { field: 'code' });
      await setRecovery(context, principal.login, confirmed);
      return { address: confirmed };
    },
  }),
  operation({
    ...personal,
    name: 'account.recovery-remove',
    summary: 'Have no recovery address any more.',
    method: 'POST',
    path: '/account/recovery/remove',
    input: object({ password: password('The password.') }),
    output: removed,
    kind: 'act',
    run: async ({ password: plain }, context) => {
      const { principal, server } = context;
      mailboxOf(principal);
      const wrong = { status: 403, detail: 'the password is wrong', field: 'password' } as const;
      await needPassword({ login: principal.login, password: plain, address: principal.address }, server, wrong);
      await setRecovery(context, principal.login, '');
      return { removed: true };
    },
  }),
];

export const recoveryOperations = [...strangerOperations, ...ownerOperations];
