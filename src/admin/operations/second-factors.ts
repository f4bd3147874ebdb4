// Second factors of whoever is logged in: codes of an app, and passkeys; and their removal for somebody who has lost them.

import { Type } from 'typebox';
import { passGate } from '../../auth/login-gate.ts';
import type { Owner } from '../../directory/api-tokens.ts';
import type { DirectoryView } from '../../directory/directory-view.ts';
import { fold } from '../../directory/mail-address.ts';
import { beginSession, mayUsePage } from '../begin-session.ts';
import { identifyOwner } from '../identify.ts';
import { operation } from '../operation.ts';
import { needPassword } from '../password-login.ts';
import { fail, failMissing } from '../problem.ts';
import { address, anyText, count, object, optional, password, removed, time, words, yes } from '../schemas.ts';
import { checkSecondFactor, newRecoveryCodes, newTotp, stepOf } from '../totp.ts';
import { account, describeAccount, ownerOf } from './account.ts';
import { domainOf } from './mailboxes.ts';

const code = anyText('The code of the app, or a recovery code.', 64);
const response = Type.Object({ id: Type.String({ maxLength: 2000 }) }, { additionalProperties: true });
const options = Type.Object({ challenge: Type.String() }, { additionalProperties: true });
const passkey = object({
  id: Type.Integer(),
  name: anyText('What it is.'),
  created: time('When it was added.'),
  used: optional(time('Its last use.')),
});
const personal = { access: { who: 'known' }, isPersonal: true } as const;

async function removeAll(view: DirectoryView, owner: Owner): Promise<{ removed: true }> {
  if ((await view.secondFactors.totp(owner)) !== undefined) await view.secondFactors.removeTotp(owner);
  for (const { id } of await view.secondFactors.passkeys(owner)) await view.secondFactors.removePasskey(owner, id);
  return { removed: true };
}

export const secondFactorOperations = [
  operation({
    ...personal,
    name: 'account.second-factors',
    summary: "Show one's second factors.",
    method: 'GET',
    path: '/account/second-factors',
    input: object({}),
    output: object({ totp: yes('Codes of an app are asked for.'), passkeys: Type.Array(passkey) }),
    kind: 'read',
    run: async (_input, { view, principal }) => {
      const owner = ownerOf(principal);
      const totp = (await view.secondFactors.totp(owner))?.isConfirmed === true;
      return { totp, passkeys: await view.secondFactors.passkeys(owner) };
    },
  }),
  operation({
    ...personal,
    name: 'account.totp-start',
    summary: 'Begin to use codes of an app: gives what the app has to know.',
    method: 'POST',
    path: '/account/totp',
    input: object({}),
    output: object({ secret: anyText('Base32.'), uri: anyText('otpauth: for a QR code.') }),
    kind: 'change',
    prepare: async (_input, { principal, server }) => await newTotp(principal.login, server.hostname()),
    run: async (made, { view, principal }) => {
      await view.secondFactors.startTotp(ownerOf(principal), made.secret);
      return made;
    },
  }),
  operation({
    ...personal,
    name: 'account.totp-confirm',
    summary: 'Show that the app works: its codes are asked for from now on. Gives recovery codes, once.',
    method: 'POST',
    path: '/account/totp/confirm',
    input: object({ code }),
    output: object({ recoveryCodes: words('Each is good once, in place of a code.') }),
    kind: 'change',
    run: async ({ code: given }, { view, principal, server }) => {
      const owner = ownerOf(principal);
      const state = await view.secondFactors.totp(owner);
      if (state === undefined || state.isConfirmed) fail(409, 'taken', 'there is nothing to confirm');
      const step = await stepOf(state.secret, given.replaceAll(/\s/g, ''), server.clock, 0);
      if (step === undefined) {
        fail(422, 'invalid-field', 'this code is not good', {
          field: 'code',
          mend: 'is the clock of the device right?',
        });
      }
      const recoveryCodes = newRecoveryCodes();
      await view.secondFactors.confirmTotp(owner, step, recoveryCodes);
      return { recoveryCodes };
    },
  }),
  operation({
    ...personal,
    name: 'account.totp-remove',
    summary: 'Ask for codes of the app no more.',
    method: 'POST',
    path: '/account/totp/remove',
    input: object({ password: password('The password.'), code }),
    output: removed,
    kind: 'act',
    run: async ({ password: plain, code: given }, { directory, view, principal, server }) => {
      const owner = ownerOf(principal);
      const wrong = { status: 403, detail: 'the password is wrong', field: 'password' } as const;
      await needPassword({ ...principal, password: plain }, server, wrong);
      await checkSecondFactor(directory, owner, given, principal, server);
      await view.secondFactors.removeTotp(owner);
      return { removed: true };
    },
  }),
  operation({
    ...personal,
    name: 'account.passkey-options',
    summary: 'Begin to add a passkey: gives what the browser is to be asked.',
    method: 'POST',
    path: '/account/passkeys/options',
    input: object({}),
    output: options,
    kind: 'act',
    run: async (_input, { view, principal, server, site }) => {
      const owner = ownerOf(principal);
      const present = await view.secondFactors.credentials(owner);
      return await (await server.passkeys()).registration(owner, principal.login, present, site);
    },
  }),
  operation({
    ...personal,
    name: 'account.passkey-add',
    summary: 'Add the passkey that the browser has made.',
    method: 'POST',
    path: '/account/passkeys',
    input: object({ name: anyText('What it is.', 64), response }),
    output: passkey,
    kind: 'change',
    prepare: async ({ name, response: given }, { principal, server, site }) =>
      await (await server.passkeys()).register(ownerOf(principal), name, given, site),
    run: async (made, { view, principal }) => await view.secondFactors.addPasskey(ownerOf(principal), made),
  }),
  operation({
    ...personal,
    name: 'account.passkey-remove',
    summary: 'Remove a passkey.',
    method: 'DELETE',
    path: '/account/passkeys/{id}',
    input: object({ id: count('Its number.') }),
    output: removed,
    kind: 'change',
    run: async ({ id }, { view, principal }) => {
      await view.secondFactors.removePasskey(ownerOf(principal), id);
      return { removed: true };
    },
  }),
  operation({
    name: 'session.passkey-options',
    summary: 'Begin to log in with a passkey: gives what the browser is to be asked.',
    method: 'POST',
    path: '/session/passkey/options',
    input: object({}),
    output: options,
    access: { who: 'anyone' },
    kind: 'act',
    run: async (_input, { server, site }) => await (await server.passkeys()).authentication(site),
  }),
  operation({
    name: 'session.passkey',
    summary: 'Log in with a passkey.',
    method: 'POST',
    path: '/session/passkey',
    input: object({ response }),
    output: account,
    access: { who: 'anyone' },
    kind: 'act',
    run: async ({ response: given }, context) => {
      const { server, directory, site, principal } = context;
      const known = await directory.secondFactors.passkeyByCredential(given.id);
      const check = async () => {
        if (known === undefined) return { kind: 'denied', reason: 'unknown passkey' } as const;
        const counter = await (await server.passkeys()).authenticate(known, given, site);
        await directory.secondFactors.passkeyUsed(known.id, counter);
        return { kind: 'authenticated', login: 'passkey' } as const;
      };
      const attempt = {
        account: `passkey ${given.id.slice(0, 40)}`,
        address: principal.address,
        protocol: 'http',
      } as const;
      const result = await passGate(server.gate, { ...attempt, mechanism: 'PASSKEY' }, check, given.id);
      const asked = known && identifyOwner(directory, known.owner, principal.address, server.clock.now());
      const { retryAfterSeconds } = result as { readonly retryAfterSeconds?: number };
      if (retryAfterSeconds !== undefined) {
        fail(429, 'locked-out', 'too many failed logins: try again later', { retryAfterSeconds });
      }
      if (
        result.kind === 'denied' ||
        known === undefined ||
        asked === undefined ||
        !mayUsePage(known.owner, directory)
      ) {
        fail(401, 'denied', 'this passkey was not accepted');
      }
      await beginSession(known.owner, context);
      return describeAccount(asked, context);
    },
  }),
  operation({
    name: 'admin.second-factors-remove',
    summary: 'Remove the second factors of an administrator who has lost them.',
    method: 'DELETE',
    path: '/admins/{login}/second-factors',
    input: object({ login: anyText('The login.', 254) }),
    output: removed,
    access: { who: 'host' },
    kind: 'change',
    run: async ({ login }, { view }) => {
      const admin = view.lookups.identities.adminByLogin(fold(login)) ?? failMissing();
      return await removeAll(view, { kind: 'admin', id: admin.id });
    },
  }),
  operation({
    name: 'mailbox.second-factors-remove',
    summary: "Remove the second factors of a mailbox's owner who has lost them.",
    method: 'DELETE',
    path: '/mailboxes/{address}/second-factors',
    input: object({ address: address() }),
    output: removed,
    access: { who: 'domain', domains: (input) => [domainOf(input.address)] },
    kind: 'change',
    run: async (input, { view }) => {
      const mailbox = view.lookups.mailboxByAddress(input.address) ?? failMissing();
      return await removeAll(view, { kind: 'mailbox', id: mailbox.id });
    },
  }),
];
