// The words of the letters about a forgotten password. They name the mailbox and what to do, and nothing that a stranger has
// typed: whoever asks for a link must not be able to write to somebody else by it.

import { plural } from '../lib/plural.ts';
import type { Letter } from '../queue/own-letters.ts';

interface Facts {
  readonly to: string;
  readonly mailbox: string;
  readonly hostname: string;
  readonly recoveryMinutes: number;
}

export function linkLetter({ to, mailbox, hostname, url, recoveryMinutes }: Facts & { readonly url: string }): Letter {
  return {
    to,
    subject: `A new password for ${mailbox}`,
    text: `Somebody, probably you, has asked for a new password for the mailbox
${mailbox} on ${hostname}.

Choose one here:

${url}

The link is good for ${recoveryMinutes} minutes, and for one new password. If you have not
asked for it, do nothing: the password stays as it is.
`,
  };
}

export function codeLetter({
  to,
  mailbox,
  hostname,
  code,
  recoveryMinutes,
}: Facts & { readonly code: string }): Letter {
  return {
    to,
    subject: `Your code for ${mailbox}`,
    text: `This address was named as the recovery address of the mailbox
${mailbox} on ${hostname}. Type this code there to confirm it:

    ${code}

It is good for ${recoveryMinutes} minutes. If you do not know the mailbox, do nothing: without
the code this address is not used.
`,
  };
}

interface Keys {
  readonly tokens: number;
  readonly passkeys: number;
  readonly codes: boolean;
  readonly appPasswords: number;
}

export function passwordNotice(mailbox: string, hostname: string, keys: Keys): Omit<Letter, 'to'> {
  const { tokens, passkeys, codes, appPasswords } = keys;
  const removed = (count: number, what: string): string =>
    count === 0 ? '' : `\n${plural(count, what)} made for it ${count === 1 ? 'was' : 'were'} removed.`;
  const gone = `${removed(tokens, 'API token')}${removed(passkeys, 'passkey')}`;
  const asked = codes ? '\nCodes of the app are asked for as before.' : '';
  const left =
    appPasswords === 0
      ? ''
      : `
The mailbox has ${plural(appPasswords, 'app password')}, which still ${appPasswords === 1 ? 'opens' : 'open'} it:
log in to the page and remove what you do not know.`;
  return {
    subject: `The password of ${mailbox} was changed`,
    text: `The password of the mailbox ${mailbox} on ${hostname}
was changed just now, by a link that was mailed to its recovery address. Whoever
was logged in to its page has been logged out.${gone}${asked}${left}

If that was not you, tell the administrator of your mail at once.
`,
  };
}

export function addressNotice(mailbox: string, hostname: string, address: string | undefined): Omit<Letter, 'to'> {
  const what = address === undefined ? 'was taken away' : `is ${address} from now on`;
  return {
    subject: `The recovery address of ${mailbox} was changed`,
    text: `The recovery address of the mailbox ${mailbox} on ${hostname}
${what}. Links to a new password go there, when it is forgotten.

If that was not you, change your password, and tell the administrator of your mail.
`,
  };
}
