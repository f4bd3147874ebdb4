// Hashes written by others verify: the hashes below were printed by doveadm pw, mkpasswd and openssl passwd; none is
// made by our own code.

import { describe, expect, it } from 'vitest';
import { TemporaryError } from '../lib/temporary-error.ts';
import { libcrypt } from './libcrypt.ts';
import { hashPassword, verifyPassword } from './password-scheme.ts';
import { ownCrypt } from './unix-crypt.ts';

/** All of `correct horse`. */
const ofCorrectHorse = [
  '{CRYPT}$2y$05$WvzjQz7yyDQBJbGnvlyvw.q/rMlaF7TpwSXGI7sxsr4KO2GJplLwa',
  '{SHA512-CRYPT}$6$VYu/0M4WUXuFK3x0$lbe/VmMC05NOtXApWUXlGnCdmsFrwmPSZQZffpSYEXUyDsGMvpzlnW5MwA97hdkP3/KtPh9RPLPSuQUNDmCk50',
  '{SHA256-CRYPT}$5$tv5sEeXKDlFfQBzp$kDf7L0ZlcDGhtNl4CxGbCZFn7ZigrCJSELbtY8.YJfC',
  '{MD5-CRYPT}$1$343Dabhs$T4RJsYVagBLkuAT.jDT480',
  '{MD5}$1$QIXSKjGN$8Bn73YueQgrhlMUC0czBs/',
  '{BLF-CRYPT}$2y$05$sZZsS/YA97ZjdlWgouZzVeBO7h2pUC3Fbx0uNDVny39b1yePfGhKq',
  '{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$06l5pp7EQBs5ZIrRVEzdOw$fDGSWCGr/0saHVrMlGLkXsY2mlCeue1SZv8pjv/40Uw',
  '{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$vcqbWovXDglcVTaDjJozLw$AOEh1m/ToV4vUMuZh0Dt+YLq1RpbYF5af1TIEJI6J2w',
  '{SSHA}g/ATjWybv39GlHWuBJj1X8dwrnAf/P17',
  '{SSHA256}u9J4Bam8pG9EH4w/dktfU/jVn3H2+FDmlWRjG8JxDD3pWrgf',
  '{SSHA512}r6TplGnB29V2Y/MpBYKeBSg8yQ4udz4Dkeh77cqHag0Y4vLQ56vs46Nw6YpQ4hIsdXV/o8tjJ+GsfW57MZYR8v5PTBo=',
  '{SMD5}l0qGcA99+kmI9wb1yH+FfKZBeTg=',
  '{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=',
  '{SHA1}L55TUjtiq8FBorTWAZ0jy6g129A=',
  '{SHA256}QQTTb42iwlQ0n4WDZ5Pr4CngyVcGOjTJHC6SAxh7VjE=',
  '{SHA512}VraY3v7bWkNbY0r+MyC7rz/c2SC2xQOkRvx7endrKY1HnRumqLYXgI6wv1ec6aldZoNHvKtxSQhayTyyeZUZew==',
  '{PLAIN}correct horse',
  '{CLEARTEXT}correct horse',
  '{plain}correct horse',
  '{PLAIN-MD5}3cb4e732631f47e6eb961f34554b7cde',
  '{LDAP-MD5}PLTnMmMfR+brlh80VUt83g==',
  '{PBKDF2}$1$xQ.CTp8zZCI4jfjW$5000$f4b90522b38bac33dee4a2571b854882e438eac4',
  '{DES-CRYPT}1fzT5gjra7im6',
  '{SCRAM-SHA-1}4096,WjNJt+vKU9PFd09FPcBD+w==,z3JgsUb5lHz5sz/I7SVo68zunvU=,kBgHS5vdNb7jtR+c4vHc6q8yWOI=',
  '{SCRAM-SHA-256}4096,t/FtGyiTvXXEzIVU7asDIg==,rOFAOMQrFpYVjuqwcvwhPMILZNz/KluJIGMYNfZHQa8=,s262nL8a7NeZphL9izM1jzTQBAlJYd4/Aw9doAI0ows=',
  '{SSHA.HEX}2f82b36fe04a1d32ddb941dd24c8a2d0a59d78429d89b6f5',
  '{SHA256.hex}4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631',
  '{SSHA512.b64}Tpdxx0ENSW0f4hxtzVxlZt7OJWagONYson2wfQfe9scybqloJMv7BKlhRKMQt3nAAOQ7Fu4odL8rdA0fd7sRnOIRhEg=',
  '{PLAIN.b64}Y29ycmVjdCBob3JzZQ==',
  '$2b$05$Jt0QQBTAYFL73JrnLDExk.ZLjFse5bj4.qDNnp98K0gdu2NkDGIGS',
  '$2a$05$RmTO.Eskz4BWFS7iAGh6nek3yhRxMala9/hXxDjh85sAW8r6.thou',
  '$6$00OrXsZIreq5l6yy$c9H3jc6aPq/gR7zzZhxiwFEPRf3RpMyga5s2bxlww5AxcwgKkcgDbLfTITVyNFYRX2piC.hQW.sVxQ.SCt5ur.',
  '$5$jUmWjpP0MINGptOO$D.2aiRnhZZlxeG7q4/4/XgWalClre.V8GJMn.je1LO1',
  '$1$ZBqY4U1/$cNXX/.BeNtK/v4uZZKLE50',
  '$apr1$abc$wQiFhKV487RKJ400idf4c/',
  '42NZlBLB7/nKo',
  '$6$abc$dv7vAygfDghQeO8lNAuLv4y4HAQXw9d6a14dcjFGfTijFc0S6MgzM7g53hZv6MaGDXhNpGxhpXakWuTlqHtzn.',
  '$5$abcdefghij$OLkFN7NA2oqJbIibcqI8zeXBmTC95cSbPqJfdioIIgD',
  '$1$abc$mEYYKBYwc4Odg5SoPgnFr/',
];

/** Only the system's libcrypt knows these. */
const onlyLibcrypt = [
  '$y$j9T$1D/59YRHOp906VsYLFjpZ0$C9s0C.jw/ll5KbcleM8gOhMGKvG/cFWmCNgcr558yi7',
  '$gy$j9T$e1aOXcuDqFDRQon.XrLsa/$WfGg7paH9wUv7jnMNMpDH8ifyagHqxzdppDTwZO1I9B',
  '$7$CU..../....KUcYBrOEMrYqN4qz/rod5/$Y.kqf.cUkKw04iqKv7naqgwNlUHqXDF0e8btE0MRvsC',
];

describe('stored password hashes', () => {
  it.each(ofCorrectHorse)('verifies %s', async (stored) => {
    expect(await verifyPassword('correct horse', stored)).toBe(true);
    // DES looks at eight characters only, so the wrong one differs early.
    expect(await verifyPassword('Correct horse', stored)).toBe(false);
    expect(await verifyPassword('', stored)).toBe(false);
  });

  // Skipped where the system's libcrypt cannot be called (no koffi, or not glibc); CI has both and counts a skip as a failure.
  it.skipIf(!libcrypt()).each(onlyLibcrypt)('verifies %s through libcrypt', async (stored) => {
    expect(await verifyPassword('correct horse', stored)).toBe(true);
    expect(await verifyPassword('correct horsf', stored)).toBe(false);
  });

  it.each([
    // The inputs of Drepper's SHA-crypt.txt; openssl passwd and mkpasswd agree on these outputs.
    [
      'Hello world!',
      '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
    ],
    [
      'Hello world!',
      '$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.',
    ],
    [
      'This is just a test',
      '$6$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0',
    ],
    [
      'a very much longer text to encrypt.  This one even stretches over morethan one line.',
      '$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1',
    ],
    ['Hello world!', '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'],
    ['Hello world!', '$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA'],
    [
      'pässwörd',
      '$6$rounds=1000$Ya/pjXwF1VsGNP/e$WvWKj1z21LJMUQeOK5cjZcrOM5QQsCJ9gzBGUs84c8vNM3PQ2t.uxjityUPDx5hMJDmS5SB914eAyffS6Psxr1',
    ],
    ['secret', 'No9.E4skNvGa.'],
  ])('computes %j under %s with our own code as others do', async (password, stored) => {
    expect(await ownCrypt(Buffer.from(password), stored)).toBe(stored);
  });

  // Skipped where the system's libcrypt cannot be called (no koffi, or not glibc); CI has both and counts a skip as a failure.
  it.skipIf(!libcrypt())('computes what libcrypt computes, for passwords of every length', async () => {
    const system = libcrypt();
    for (const setting of ['$6$rounds=1000$saltsalt$', '$5$rounds=1000$s$', '$1$salt$', 'ab']) {
      for (const length of [0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 200]) {
        const password = Buffer.from(Array.from({ length }, (_, index) => 33 + ((index * 7) % 90)));
        const wanted = await system?.(password, setting);
        expect(await ownCrypt(password, setting === 'ab' ? (wanted ?? '') : setting), `${setting} ${length}`).toBe(
          wanted,
        );
      }
    }
  });

  it('calls an unknown scheme "could not find out", never "wrong password"', async () => {
    for (const stored of ['{NTLM}0123', '$99$x$y', '{SHA}not base64!', '$argon2id$v=19$m=1', 'plain text', '']) {
      await expect(verifyPassword('x', stored), stored).rejects.toThrow(TemporaryError);
    }
  });

  it('never lets anybody into a locked account', async () => {
    for (const stored of ['*', '!', '{CRYPT}!', '!$1$abc$mEYYKBYwc4Odg5SoPgnFr/']) {
      expect(await verifyPassword('correct horse', stored)).toBe(false);
      expect(await verifyPassword('', stored)).toBe(false);
    }
  });

  it('makes argon2id, different each time, which only the same password opens', async () => {
    const [one, other] = await Promise.all([hashPassword('geheim'), hashPassword('geheim')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(other);
    expect(await verifyPassword('geheim', one)).toBe(true);
    expect(await verifyPassword('geheim ', one)).toBe(false);
  });

  it('takes the same password from keyboards that compose accents differently (RFC 4013)', async () => {
    const stored = await hashPassword('p\u00e4ss');
    expect(await verifyPassword('pa\u0308ss', stored)).toBe(true);
    expect(await verifyPassword('pass', stored)).toBe(false);
  });

  it('refuses passwords with NUL and over-long ones without hashing', async () => {
    expect(await verifyPassword('correct horse\0x', '{PLAIN}correct horse\0x')).toBe(false);
    expect(await verifyPassword('x'.repeat(1025), `{PLAIN}${'x'.repeat(1025)}`)).toBe(false);
  });
});
