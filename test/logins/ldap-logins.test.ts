// Logins by a real OpenLDAP with Dovecot's own dovecot-ldap.conf.ext: by a bind after a search, by a bind at a DN made of the
// name, and by reading the password.

import { mkdtempSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ldapAdmin, ldapPassword, ldapSuffix, noOpenLdap, OpenLdapServer } from '../harness/openldap.ts';
import { Certificates, hasOpenssl } from '../queue/certificates.ts';
import { logIn, LoginRig } from './login-rig.ts';

const people = `ou=people,${ldapSuffix}`;
const entry = (uid: string, password: string | undefined, more = ''): string =>
  `dn: uid=${uid.replaceAll(/[,+]/g, '\\$&')},${people}\nobjectClass: inetOrgPerson\nobjectClass: mailUser\nuid: ${uid}\ncn: ${uid}\nsn: ${uid}\nmail: ${uid}@example.com\n${password === undefined ? '' : `userPassword: ${password}\n`}${more}\n`;

const ldif = `dn: ${ldapSuffix}
objectClass: domain
dc: example

dn: ${people}
objectClass: organizationalUnit
ou: people

${entry('anna', '{SSHA}wy1nj7A0Q1OaBmk9nzZmVqmxNqKzN2Jz')}
${entry('bert', 'of bert', 'maildrop: /mail/bert\n')}
${entry('carl', undefined)}
${entry('twin1', 'x', 'maildrop: twin\n')}
${entry('twin2', 'x', 'maildrop: twin\n')}
${entry('o,x', 'of comma')}
`;

const reason = noOpenLdap ?? (hasOpenssl ? undefined : 'needs openssl');

// Skipped where slapd or openssl (scripts/install-test-servers) is not there; CI installs them and counts a skip as a failure.
describe.skipIf(reason !== undefined)(`logins by LDAP${reason === undefined ? '' : ` (${reason})`}`, () => {
  let rig: LoginRig;
  let certificates: Certificates;
  let server: OpenLdapServer;
  let folder: string;
  let count = 0;

  beforeAll(async () => {
    certificates = new Certificates();
    folder = mkdtempSync('/tmp/ldap-');
    const tls = { certificateFile: certificates.path('good'), keyFile: certificates.path('good') };
    server = new OpenLdapServer(folder, {
      tls,
      configuration: 'access to attrs=userPassword by anonymous auth by * none\naccess to * by * read',
    });
    await server.start();
    server.add(ldif);
    rig = await LoginRig.open(['anna@example.com', 'bert@example.com']);
  }, 30_000);
  afterAll(async () => {
    await rig.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
    certificates.remove();
  });

  const open = (text: string) =>
    rig.logins({ posthaste_auth_backends: `ldap:${rig.write(`dovecot-ldap-${count++}.conf.ext`, text)}` });
  const where = (): string => `uris = ${server.url}\nbase = ${people}\n`;
  const found = 'pass_filter = (&(objectClass=inetOrgPerson)(mail=%u))\npass_attrs = mail=user\n';

  test('by a bind after a search', async () => {
    const logins = open(`${where()}auth_bind = yes\n${found}`);
    expect(await logIn(logins, 'Bert@Example.com', 'of bert')).toBe('bert@example.com');
    expect(await logIn(logins, 'bert@example.com', 'wrong')).toBe('denied: password mismatch');
    expect(await logIn(logins, 'nobody@example.com', 'x')).toBe('denied: unknown user');
    expect(await logIn(logins, 'carl@example.com', 'x')).toMatch(/^denied: (no password|password mismatch)$/);
    // Many servers take a bind without a password for a good one (RFC 4513 §5.1.2).
    expect(await logIn(logins, 'bert@example.com', '')).toMatch(/^denied/);
    expect(await logIn(logins, '*@example.com', 'of bert')).toBe('denied: unknown user');
    expect(await logIn(logins, 'bert@example.com)(uid=*', 'of bert')).toBe('denied: unknown user');
    const several = open(`${where()}auth_bind = yes\npass_filter = (maildrop=%n)\n`);
    expect(await logIn(several, 'twin@example.com', 'x')).toMatch(/^temporary: .*matches several entries/);
  });

  test('by a bind at a DN made of the name', async () => {
    const logins = open(`${where()}auth_bind = yes\nauth_bind_userdn = uid=%n,${people}\n`);
    expect(await logIn(logins, 'bert@example.com', 'of bert')).toBe('bert@example.com');
    expect(await logIn(logins, 'bert@example.com', 'wrong')).toBe('denied: password mismatch');
    expect(await logIn(logins, 'nobody@example.com', 'x')).toMatch(/^denied: /);
    expect(await logIn(logins, 'o,x@example.com', 'of comma', { service: 'smtp' })).toBe(
      'o,x@example.com (no mailbox)',
    );
    expect(await logIn(logins, `bert,${people}@example.com`, 'of bert')).toMatch(/^denied: /);
  });

  test('by reading the password', async () => {
    const admin = `dn = ${ldapAdmin}\ndnpass = ${ldapPassword}\ndefault_pass_scheme = PLAIN\n`;
    const logins = open(`${where()}${admin}pass_filter = (mail=%u)\npass_attrs = mail=user, userPassword=password\n`);
    expect(await logIn(logins, 'bert@example.com', 'of bert')).toBe('bert@example.com');
    expect(await logIn(logins, 'bert@example.com', 'wrong')).toBe('denied: password mismatch');
    const templates = open(
      `${where()}${admin}pass_filter = (uid=%n)\npass_attrs = =user=%{ldap:uid}@%{ldap:nosuch:example.com}, =password=%{ldap:userPassword}, maildrop=fail=y\n`,
    );
    expect(await logIn(templates, 'o,x', 'of comma', { service: 'smtp' })).toBe('o,x@example.com (no mailbox)');
    expect(await logIn(templates, 'bert@x.example', 'of bert')).toMatch(/^denied: refused/);
    const refused = open(`${where()}dn = ${ldapAdmin}\ndnpass = wrong\npass_filter = (mail=%u)\n`);
    expect(await logIn(refused, 'bert@example.com', 'of bert')).toMatch(/^temporary: /);
    expect(rig.log.lines.join('\n')).not.toMatch(/of bert|dnpass/);
  });

  test('user_filter says who may read mail, and iterate_filter who there is', async () => {
    const text = `${where()}auth_bind = yes\n${found}user_filter = (&(mail=%u)(maildrop=*))\nuser_attrs = maildrop=home\niterate_filter = (objectClass=inetOrgPerson)\niterate_attrs = mail=user\n`;
    const logins = open(text);
    expect(await logIn(logins, 'bert@example.com', 'of bert')).toBe('bert@example.com');
    expect(rig.log.lines.join('\n')).toContain('what it says of home counts for nothing here');
    expect(await logIn(logins, 'o,x@example.com', 'of comma')).toMatch(/^denied: ldap:.* does not find the user$/);
    expect(await logIn(logins, 'o,x@example.com', 'of comma', { service: 'smtp' })).toContain('o,x@example.com');
  });

  test('under TLS, with the certificate that is asked for', async () => {
    const ca = `tls_ca_cert_file = ${certificates.path('ca')}\n`;
    const ldaps = (more: string) =>
      open(`uris = ldaps://127.0.0.1:${server.tlsPort}\nbase = ${people}\nauth_bind = yes\n${found}${more}`);
    expect(await logIn(ldaps('tls_require_cert = never\n'), 'bert@example.com', 'of bert')).toBe('bert@example.com');
    expect(await logIn(ldaps(''), 'bert@example.com', 'of bert')).toMatch(/^temporary: .*(certificate|self.signed)/i);
    const startTls = open(`${where()}auth_bind = yes\ntls = yes\ntls_require_cert = allow\n${ca}${found}`);
    expect(await logIn(startTls, 'bert@example.com', 'of bert')).toBe('bert@example.com');
  });

  test('five hundred at once, each with its own answer', async () => {
    const logins = open(`${where()}auth_bind = yes\nauth_bind_userdn = uid=%n,${people}\n`);
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        logIn(logins, 'bert@example.com', index % 2 ? 'of bert' : `wrong${index}`),
      ),
    );
    expect(
      answers.every((answer, index) => answer === (index % 2 ? 'bert@example.com' : 'denied: password mismatch')),
    ).toBe(true);
  }, 20_000);

  test('the second server is asked where the first is gone; none is no wrong password; one that hangs has a time limit', async () => {
    const text = `hosts = 127.0.0.1:1 127.0.0.1:${server.port}\nbase = ${people}\nauth_bind = yes\nauth_bind_userdn = uid=%n,${people}\n`;
    const logins = open(text);
    expect(await logIn(logins, 'bert@example.com', 'of bert')).toBe('bert@example.com');
    await server.stop();
    expect(await logIn(logins, 'bert@example.com', 'of bert')).toMatch(/^temporary: /);
    await server.start();
    await sleep(1100);
    expect(await logIn(logins, 'bert@example.com', 'of bert')).toBe('bert@example.com');
    server.signal('SIGSTOP');
    try {
      expect(await logIn(logins, 'bert@example.com', 'of bert')).toMatch(/^temporary: /);
    } finally {
      server.signal('SIGCONT');
    }
    expect(await logIn(logins, 'bert@example.com', 'of bert')).toBe('bert@example.com');
  }, 30_000);

  test.each([
    ['base = x\n', /neither hosts nor uris is set/],
    ['uris = ldap://x\nsasl_bind = yes\n', /sasl_bind is not supported/],
    ['uris = ldap://x\nscope = all\n', /scope = all: must be one of/],
    ['uris = ldap://x\npass_attrs = @mail=%{ldap:dn}\n', /point at other entries are not supported/],
    ['uris = ldap://x\npass_filter = (uid=%y)\n', /%y means nothing/],
  ])('%j is a mistake', (text, message) => expect(() => open(text)).toThrow(message));
});
