// What any of Dovecot's databases says of one user.

export interface DovecotUser {
  readonly name: string;
  readonly password?: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** A password as it stands, in the scheme that the database has for those that name none. */
export function withScheme(password: string, scheme: string): string {
  return password.startsWith('{') || (/^crypt$/i.test(scheme) && password.startsWith('$'))
    ? password
    : `{${scheme}}${password}`;
}
