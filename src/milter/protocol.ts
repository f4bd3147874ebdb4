// data table
// The words of the milter protocol, versions 2 to 6, as Sendmail's libmilter and Postfix's milter(3) speak it: one
// letter a command or reply, one bit an action that a filter may ask for, one bit a step that it can do without.

export const command = {
  abort: 'A',
  body: 'B',
  connect: 'C',
  macro: 'D',
  endOfBody: 'E',
  helo: 'H',
  header: 'L',
  mail: 'M',
  endOfHeader: 'N',
  negotiate: 'O',
  quit: 'Q',
  rcpt: 'R',
  data: 'T',
  unknown: 'U',
} as const;

export type Event = (typeof command)[keyof typeof command];

export const answer = {
  addRecipient: '+',
  deleteRecipient: '-',
  addRecipientWithParameters: '2',
  shutdown: '4',
  accept: 'a',
  replaceBody: 'b',
  continue: 'c',
  discard: 'd',
  changeSender: 'e',
  connectionFailed: 'f',
  addHeader: 'h',
  insertHeader: 'i',
  changeHeader: 'm',
  progress: 'p',
  quarantine: 'q',
  reject: 'r',
  skip: 's',
  temporaryFailure: 't',
  replyCode: 'y',
} as const;

/** SMFIF_: what a filter may order. All of them are understood here. */
export const allActions = 0x1ff;

/** SMFIP_: `no...`: the filter does not want the event; `silent...`: it wants it and does not answer it. */
export const step = {
  noConnect: 0x1,
  noHelo: 0x2,
  noMail: 0x4,
  noRcpt: 0x8,
  noBody: 0x10,
  noHeaders: 0x20,
  noEndOfHeader: 0x40,
  silentHeader: 0x80,
  noUnknown: 0x100,
  noData: 0x200,
  skip: 0x400,
  rejectedRcpt: 0x800,
  silentConnect: 0x1000,
  silentHelo: 0x2000,
  silentMail: 0x4000,
  silentRcpt: 0x8000,
  silentData: 0x10000,
  silentUnknown: 0x20000,
  silentEndOfHeader: 0x40000,
  silentBody: 0x80000,
  headerLeadingSpace: 0x100000,
} as const;

const version2 = 0x7f;

/** What each word of milter_protocol stands for (postconf(5)). */
export const protocolWords: Readonly<Record<string, { readonly version: number; readonly steps: number }>> = {
  '2': { version: 2, steps: version2 },
  '3': { version: 3, steps: version2 | step.noUnknown },
  '4': { version: 4, steps: version2 | step.noUnknown | step.noData },
  '6': { version: 6, steps: 0x1fffff },
  no_header_reply: { version: 0, steps: step.silentHeader },
};

export interface EventRule {
  /** As Postfix's log calls it. */
  readonly name: string;
  /** The bit by which a filter goes without it; 0: it always comes. */
  readonly skipStep: number;
  /** The bit by which a filter leaves it unanswered. */
  readonly silentStep: number;
}

export const eventRules: Readonly<Record<string, EventRule>> = {
  C: { name: 'SMFIC_CONNECT', skipStep: step.noConnect, silentStep: step.silentConnect },
  H: { name: 'SMFIC_HELO', skipStep: step.noHelo, silentStep: step.silentHelo },
  M: { name: 'SMFIC_MAIL', skipStep: step.noMail, silentStep: step.silentMail },
  R: { name: 'SMFIC_RCPT', skipStep: step.noRcpt, silentStep: step.silentRcpt },
  T: { name: 'SMFIC_DATA', skipStep: step.noData, silentStep: step.silentData },
  U: { name: 'SMFIC_UNKNOWN', skipStep: step.noUnknown, silentStep: step.silentUnknown },
  L: { name: 'SMFIC_HEADER', skipStep: step.noHeaders, silentStep: step.silentHeader },
  N: { name: 'SMFIC_EOH', skipStep: step.noEndOfHeader, silentStep: step.silentEndOfHeader },
  B: { name: 'SMFIC_BODY', skipStep: step.noBody, silentStep: step.silentBody },
  E: { name: 'SMFIC_BODYEOB', skipStep: 0, silentStep: 0 },
};

/** For the log. */
export const answerNames: Readonly<Record<string, string>> = {
  '+': 'SMFIR_ADDRCPT',
  '-': 'SMFIR_DELRCPT',
  '2': 'SMFIR_ADDRCPT_PAR',
  '4': 'SMFIR_SHUTDOWN',
  a: 'SMFIR_ACCEPT',
  b: 'SMFIR_REPLBODY',
  c: 'SMFIR_CONTINUE',
  d: 'SMFIR_DISCARD',
  e: 'SMFIR_CHGFROM',
  f: 'SMFIR_CONN_FAIL',
  h: 'SMFIR_ADDHEADER',
  i: 'SMFIR_INSHEADER',
  l: 'SMFIR_SETSYMLIST',
  m: 'SMFIR_CHGHEADER',
  p: 'SMFIR_PROGRESS',
  q: 'SMFIR_QUARANTINE',
  r: 'SMFIR_REJECT',
  s: 'SMFIR_SKIP',
  t: 'SMFIR_TEMPFAIL',
  y: 'SMFIR_REPLYCODE',
};

/** When macros are sent; a number is the stage's in a filter's own list of symbols (SMFIM_). */
export const macroStages = ['connect', 'helo', 'mail', 'rcpt', 'data', 'endOfData', 'endOfHeader'] as const;
export type MacroStage = (typeof macroStages)[number] | 'unknown';

/** The body goes in pieces of at most this size (MILTER_CHUNK_SIZE). */
export const chunkBytes = 65_535;
