// The date of a message's Date field (RFC 5322 §3.3 with §4.3's obsolete forms): its parts as written, for
// IMAP's SENTON (RFC 3501 §6.4.4: time and zone disregarded) and for sorting. Undefined where it cannot be read.

export interface MessageDate {
  readonly year: number;
  /** 1-12. */
  readonly month: number;
  readonly day: number;
}

export const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** Longer fields are no dates. Bounds the work of the pattern below. */
const maxDateLength = 200;
const datePattern =
  /^(?:[A-Za-z]{2,9}\.?(?:,[ \t]{0,20}|[ \t]{1,20}))?(\d{1,2})[ \t-]{1,20}([A-Za-z]{3})[A-Za-z]{0,9}[ \t-]{1,20}(\d{2,4})(?!\d)/;

export function parseMessageDate(text: string): MessageDate | undefined {
  if (text.length > maxDateLength) return undefined;
  const match = datePattern.exec(text.trim());
  if (match === null) return undefined;
  const [, day = '', monthName = '', yearText = ''] = match;
  const month = monthNumber(monthName);
  if (month === undefined) return undefined;
  return { year: fullYear(yearText), month, day: Number(day) };
}

/** 1-12 for `Jan` ... in any case. */
export function monthNumber(name: string): number | undefined {
  const lower = name.toLowerCase();
  const index = monthNames.findIndex((month) => month.toLowerCase() === lower);
  return index === -1 ? undefined : index + 1;
}

/** RFC 5322 §4.3: two digits below 50 are 20xx, others and three digits count from 1900. */
function fullYear(text: string): number {
  const year = Number(text);
  if (text.length >= 4) return year;
  return text.length === 2 && year < 50 ? 2000 + year : 1900 + year;
}
