// NOOP (RFC 3501 §6.1.2) and CHECK (§6.4.1): both only let the session tell what has changed; every command is
// durable when it is answered, so CHECK has nothing to write.

export function noop(): string {
  return 'NOOP completed.';
}

export function check(): string {
  return 'Check completed.';
}
