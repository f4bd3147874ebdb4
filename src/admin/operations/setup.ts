// The first administrator of all, made by whoever has the link that the host shows while it has none. Whatever is wrong,
// nothing is made; what is made is whole: the administrator with a password or a passkey, and the login of the browser.

import { Type } from 'typebox';
import { hashPassword } from '../../auth/password-scheme.ts';
import type { NewPasskey } from '../../directory/second-factors.ts';
import { checkNewPassword } from '../new-passwords.ts';
import { type OperationContext, operation, type PrepareContext } from '../operation.ts';
import { firstAdministrator } from '../passkeys.ts';
import { fail } from '../problem.ts';
import { anyText, object, optional, password, yes } from '../schemas.ts';
import { checkSetupToken, forgetSetupToken } from '../setup-token.ts';
import { account } from './account.ts';

const token = anyText('From the link that the host showed.', 200);
const login = anyText("The administrator's login.", 254);
/** Of the one login that may do everything; length is what counts (NIST SP 800-63B §5.1.1). */
const minPasswordLength = 12;

function checkToken(given: string, { directory, server, principal }: PrepareContext): Promise<void> {
  refuseSecond(directory.lookups);
  return checkSetupToken(directory, given, { ...server, address: principal.address });
}

function refuseSecond({ identities }: OperationContext['view']['lookups']): void {
  if (identities.hasHost()) fail(409, 'taken', 'this host has an administrator already: log in');
}

export const setupOperations = [
  operation({
    name: 'setup.show',
    summary: 'Say whether the host has an administrator.',
    method: 'GET',
    path: '/setup',
    input: object({}),
    output: object({
      hasAdministrator: yes('There is one: no setup link is good any more.'),
      command: anyText(
        'How the posthaste command is typed on the host; its folders are told to the host itself, while there is none.',
      ),
    }),
    access: { who: 'anyone' },
    kind: 'read',
    run: async (_input, { view, server, principal }) => {
      const hasAdministrator = view.lookups.identities.hasHost();
      return { hasAdministrator, command: server.command(hasAdministrator ? undefined : principal.address) };
    },
  }),
  operation({
    name: 'setup.check',
    summary: 'Say whether a setup link is good.',
    method: 'POST',
    path: '/setup/check',
    input: object({ token }),
    output: object({ isGood: Type.Literal(true), hostname: anyText('Of the host.') }),
    access: { who: 'anyone' },
    kind: 'act',
    run: async (input, context) => {
      await checkToken(input.token, context);
      return { isGood: true, hostname: context.server.hostname() };
    },
  }),
  operation({
    name: 'setup.passkey-options',
    summary: 'Begin to make a passkey for the first administrator: gives what the browser is to be asked.',
    method: 'POST',
    path: '/setup/passkey-options',
    input: object({ token, login }),
    output: Type.Object({ challenge: Type.String() }, { additionalProperties: true }),
    access: { who: 'anyone' },
    kind: 'act',
    run: async (input, context) => {
      await checkToken(input.token, context);
      const passkeys = await context.server.passkeys();
      return await passkeys.registration(firstAdministrator, input.login, [], context.site);
    },
  }),
  operation({
    name: 'setup.add',
    summary:
      'Make the first administrator of the host, and log in, with the link that the host showed at its first start.',
    method: 'POST',
    path: '/setup',
    input: object({
      token,
      login,
      name: optional(anyText("The administrator's name.", 255)),
      password: optional(password('The password; left out where there is a passkey.')),
      passkey: optional(
        object({
          name: anyText('What it is.', 64),
          response: Type.Object({ id: Type.String({ maxLength: 2000 }) }, { additionalProperties: true }),
        }),
      ),
    }),
    output: account,
    access: { who: 'anyone' },
    kind: 'change',
    prepare: async ({ token: given, password: plain, passkey, ...rest }, context) => {
      await checkToken(given, context);
      if (plain === undefined && passkey === undefined) {
        fail(422, 'invalid-field', 'an administrator needs a password or a passkey', { field: 'password' });
      }
      if (plain !== undefined) checkFirstPassword(plain);
      const hash = plain === undefined ? {} : { passwordHash: await hashPassword(plain) };
      let made: NewPasskey | undefined;
      if (passkey !== undefined) {
        const passkeys = await context.server.passkeys();
        made = await passkeys.register(firstAdministrator, passkey.name, passkey.response, context.site);
      }
      return { added: { ...rest, ...hash, role: 'host' } as const, made };
    },
    run: async ({ added, made }, { view, directory, principal, program, setSession, afterwards }) => {
      refuseSecond(view.lookups);
      const { login: known } = await view.administrators.add(added);
      const { id } =
        view.lookups.identities.adminByLogin(known) ?? fail(500, 'our-mistake', 'the administrator is gone');
      const owner = { kind: 'admin', id } as const;
      if (made !== undefined) await view.secondFactors.addPasskey(owner, made);
      await forgetSetupToken(view);
      afterwards(async () => setSession((await directory.sessions.add(owner, principal.address, program)).secret));
      return { login: known, role: 'host', mustChange: false };
    },
  }),
];

function checkFirstPassword(plain: string): void {
  checkNewPassword(plain);
  if (Array.from(plain).length >= minPasswordLength) return;
  fail(422, 'invalid-field', `this password has fewer than ${minPasswordLength} characters`, { field: 'password' });
}
