// The command table (RFC 5321 §4.1), in the order of Postfix's. A command is a row here and a small file:
// parse, check state, act. HELP and the reply to unknown commands come from this table.

import type { Command } from './command.ts';
import { auth } from './commands/auth.ts';
import { bdat } from './commands/bdat.ts';
import { data } from './commands/data.ts';
import { etrn } from './commands/etrn.ts';
import { ehlo, helo, lhlo } from './commands/greeting.ts';
import { mail } from './commands/mail.ts';
import { help, noop, quit, rset } from './commands/plain.ts';
import { rcpt } from './commands/rcpt.ts';
import { starttls } from './commands/starttls.ts';
import { xclient } from './commands/xclient.ts';
import { xforward } from './commands/xforward.ts';
import { vrfy } from './commands/vrfy.ts';
import type { ServiceProtocol } from './options.ts';

const common = {
  STARTTLS: { run: starttls, beforeTls: true, endsPipeline: true },
  AUTH: { run: auth },
  MAIL: { run: mail },
  RCPT: { run: rcpt },
  DATA: { run: data, endsPipeline: true },
  BDAT: { run: bdat },
  RSET: { run: rset, isJunk: true },
  NOOP: { run: noop, beforeTls: true, endsPipeline: true, isJunk: true },
  VRFY: { run: vrfy, endsPipeline: true, isJunk: true },
  ETRN: { run: etrn, isJunk: true },
  XCLIENT: { run: xclient, endsPipeline: true, restartsSession: true },
  XFORWARD: { run: xforward },
  HELP: { run: help, endsPipeline: true, isJunk: true },
  QUIT: { run: quit, beforeTls: true },
} satisfies Record<string, Command>;

const smtpCommands: Record<string, Command> = {
  HELO: { run: helo, beforeTls: true, endsPipeline: true, isJunk: true },
  EHLO: { run: ehlo, beforeTls: true, endsPipeline: true, isJunk: true },
  ...common,
};

/** RFC 2033 §4.1: LHLO in place of HELO and EHLO, which an LMTP server must not know. */
const lmtpCommands: Record<string, Command> = {
  LHLO: { run: lhlo, beforeTls: true, endsPipeline: true, isJunk: true },
  ...common,
};

const tables: Record<ServiceProtocol, ReadonlyMap<string, Command>> = {
  smtp: new Map(Object.entries(smtpCommands)),
  lmtp: new Map(Object.entries(lmtpCommands)),
};

export function commandsOf(protocol: ServiceProtocol): ReadonlyMap<string, Command> {
  return tables[protocol];
}
