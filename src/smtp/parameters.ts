// The ESMTP parameters of MAIL and RCPT: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), AUTH (RFC 4954),
// RET, ENVID, NOTIFY and ORCPT (RFC 3461). A wrong one gives the reply that Postfix gives.

import { reply, replies } from './reply.ts';
import type { SmtpReply } from './reply.ts';
import { areVerpDelimiters } from './verp-delimiters.ts';
import { decodeXtext, isXtext } from './xtext.ts';

export interface MailParameters {
  /** SIZE=, 0 where the client did not say. */
  readonly size: number;
  readonly eightBit: boolean;
  readonly smtputf8: boolean;
  /** FULL, HDRS or ''. */
  readonly ret: string;
  /** As given (xtext), or ''. */
  readonly envid: string;
  /** The two delimiters of XVERP (VERP_README). */
  readonly verp?: string;
}

export interface RcptParameters {
  /** `NEVER`, or the given ones of `SUCCESS,FAILURE,DELAY`, or ''. */
  readonly notify: string;
  /** As given: `rfc822;user+40host`, or ''. */
  readonly orcpt: string;
}

/** What this service offers: a parameter of an extension that is switched off is refused. */
export interface OfferedParameters {
  readonly smtputf8: boolean;
  readonly dsn: boolean;
  readonly auth: boolean;
  readonly verp?: { readonly usual: string; readonly allowed: string };
}

// RFC 3461 §4.4 and §4.2: ENVID at most 100 characters, ORCPT at most 500.
const maxEnvidLength = 100;
const maxOrcptLength = 500;
const maxSizeDigits = 15;

const noMailParameters: MailParameters = { size: 0, eightBit: false, smtputf8: false, ret: '', envid: '' };
const noRcptParameters: RcptParameters = { notify: '', orcpt: '' };

export function isReply(value: object): value is SmtpReply {
  return 'code' in value;
}

export function parseMailParameters(words: readonly string[], offered: OfferedParameters): MailParameters | SmtpReply {
  if (words.length === 0) return noMailParameters;
  const result: { -readonly [Name in keyof MailParameters]: MailParameters[Name] } = { ...noMailParameters };
  let hasAuth = false;
  for (const word of words) {
    const { keyword, value } = splitParameter(word);
    switch (keyword) {
      case 'SIZE':
        if (!/^\d+$/.test(value)) return replies.badSize;
        if (value.length > maxSizeDigits) return replies.sizeOverflow;
        result.size = Number(value);
        break;
      case 'BODY':
        if (value.toUpperCase() === '8BITMIME') result.eightBit = true;
        else if (value.toUpperCase() === '7BIT') result.eightBit = false;
        else return unsupported(word);
        break;
      case 'SMTPUTF8':
        if (!offered.smtputf8 || word.includes('=')) return unsupported(word);
        result.smtputf8 = true;
        break;
      case 'RET':
        if (!offered.dsn) return replies.dsnDisabled;
        if (result.ret !== '' || !/^(?:full|hdrs)$/i.test(value)) return replies.badRet;
        result.ret = value.toUpperCase();
        break;
      case 'ENVID':
        if (!offered.dsn) return replies.dsnDisabled;
        if (result.envid !== '' || value === '' || value.length > maxEnvidLength || !isXtext(value))
          return replies.badEnvid;
        result.envid = value;
        break;
      case 'XVERP': {
        if (offered.verp === undefined) return unsupported(word);
        const delimiters = word.includes('=') ? value : offered.verp.usual;
        if (!areVerpDelimiters(delimiters, offered.verp.allowed)) {
          return reply(501, '5.5.4', `Error: XVERP needs two characters from ${offered.verp.allowed}`);
        }
        result.verp = delimiters;
        break;
      }
      case 'AUTH':
        // RFC 4954 §5: the claimed submitter is checked and not used: nobody is trusted to name another.
        if (!offered.auth) return replies.authParameterDisabled;
        if (hasAuth) return reply(503, '5.5.4', 'Error: multiple AUTH= options');
        if (value !== '<>' && decodeXtext(value) === undefined) return replies.badAuthParameter;
        hasAuth = true;
        break;
      default:
        return unsupported(word);
    }
  }
  return result;
}

export function parseRcptParameters(words: readonly string[], offered: OfferedParameters): RcptParameters | SmtpReply {
  if (words.length === 0) return noRcptParameters;
  const result = { ...noRcptParameters };
  for (const word of words) {
    const { keyword, value } = splitParameter(word);
    if (keyword === 'NOTIFY') {
      if (!offered.dsn) return replies.dsnDisabled;
      const notify = parseNotify(value);
      if (result.notify !== '' || notify === undefined) return replies.badNotify;
      result.notify = notify;
    } else if (keyword === 'ORCPT') {
      if (!offered.dsn) return replies.dsnDisabled;
      if (result.orcpt !== '' || !isOrcpt(value)) return replies.badOrcpt;
      result.orcpt = value;
    } else return unsupported(word);
  }
  return result;
}

function splitParameter(word: string): { keyword: string; value: string } {
  const equals = word.indexOf('=');
  return equals === -1
    ? { keyword: word.toUpperCase(), value: '' }
    : { keyword: word.slice(0, equals).toUpperCase(), value: word.slice(equals + 1) };
}

function unsupported(word: string): SmtpReply {
  return reply(555, '5.5.4', `Unsupported option: ${word.slice(0, 200)}`);
}

function parseNotify(value: string): string | undefined {
  const words = value.toUpperCase().split(',');
  if (words.length === 1 && words[0] === 'NEVER') return 'NEVER';
  const given = new Set(words);
  if (given.size !== words.length) return undefined;
  const known = ['SUCCESS', 'FAILURE', 'DELAY'].filter((word) => given.delete(word));
  return given.size === 0 && known.length > 0 ? known.join(',') : undefined;
}

/** `addr-type;xtext`; with the utf-8 address type (RFC 6533 §3) the text may hold UTF-8. */
function isOrcpt(value: string): boolean {
  const match = /^([A-Za-z0-9.-]+);([^\s]+)$/u.exec(value);
  if (match === null || value.length > maxOrcptLength) return false;
  return (match[1] as string).toLowerCase() === 'utf-8' || isXtext(match[2] as string);
}
