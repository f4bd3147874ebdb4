// Is this a domain that mail can go to? The rules of Postfix's valid_hostname(3) and valid_mailhost_addr(3),
// which are RFC 1035 §2.3.1 and RFC 5321 §4.1.3 made tolerant: `_` and trailing digits are fine, a bare IP
// address is not a name.

const maxName = 255;
const maxLabel = 63;

export function isIpv4(text: string): boolean {
  // Names, which nearly all that is asked about are, end with a letter.
  const last = text.charCodeAt(text.length - 1);
  if (!(last >= 0x30 && last <= 0x39)) return false;
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

export function isIpv6(text: string): boolean {
  if (!text.includes(':') || !/^[0-9A-Fa-f:.]+$/.test(text) || text.includes(':::')) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    if (half === '') continue;
    const parts = half.split(':');
    for (const [position, part] of parts.entries()) {
      const isLast = index === halves.length - 1 && position === parts.length - 1;
      if (isLast && part.includes('.') && isIpv4(part)) groups += 2;
      else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups += 1;
      else return false;
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8;
}

export function isIpAddress(text: string): boolean {
  return text.includes(':') ? isIpv6(text) : isIpv4(text);
}

// What nearly all names are; all else is looked at label by label.
const plainName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** `mail.example.com`, also in Unicode; not an address, not all digits, no empty label. */
export function isHostname(name: string): boolean {
  if (name.length <= maxName && plainName.test(name)) return /[a-z-]/i.test(name);
  if (name === '' || Buffer.byteLength(name) > maxName) return false;
  let hasLetter = false;
  for (const label of name.split('.')) {
    if (label === '' || Buffer.byteLength(label) > maxLabel || label.startsWith('-') || label.endsWith('-'))
      return false;
    if (!/^[A-Za-z0-9_\u0080-\u{10ffff}-]+$/u.test(label)) return false;
    if (/[^0-9]/.test(label)) hasLetter = true;
  }
  return hasLetter;
}

/** The address in `[1.2.3.4]` or `[IPv6:::1]` (RFC 5321 §4.1.3), or undefined where the literal is not valid. */
export function literalAddress(domain: string): string | undefined {
  if (!domain.startsWith('[') || !domain.endsWith(']')) return undefined;
  const inner = domain.slice(1, -1);
  if (/^ipv6:/i.test(inner)) return isIpv6(inner.slice(5)) ? inner.slice(5) : undefined;
  return isIpv4(inner) ? inner : undefined;
}

export function isValidDomain(domain: string): boolean {
  return domain.startsWith('[') ? literalAddress(domain) !== undefined : isHostname(domain);
}
