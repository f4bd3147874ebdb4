// Splits `user+ext` as Postfix does (split_addr(3)): at the first character of the localpart that is in
// recipient_delimiter. Postfix's exceptions are kept: postmaster, mailer-daemon, and with `-` owner-x and x-request.

/** The localpart without its extension, and the extension with its delimiter (`+ext`, or '' for none). */
export function splitExtension(localpart: string, delimiters: string): [string, string] {
  if (delimiters === '' || localpart.startsWith('"')) return [localpart, ''];
  if (localpart === 'postmaster' || localpart === 'mailer-daemon' || localpart === 'double-bounce') return [localpart, ''];
  if (delimiters.includes('-') && (localpart.startsWith('owner-') || localpart.endsWith('-request'))) return [localpart, ''];
  for (let index = 0; index < localpart.length; index++) {
    if (!delimiters.includes(localpart.charAt(index))) continue;
    return index === 0 ? [localpart, ''] : [localpart.slice(0, index), localpart.slice(index)];
  }
  return [localpart, ''];
}
