// What an administrator of the host may not change over the network. He administers mail; he is not root on the machine:
// through these parameters he would become its user or root, would read or write files that are not mail's, or would shut
// the door behind everybody. Each is marked where it is declared (parameters/); the words are here.

/**
 * command: what is run, and with what. user: whose rights are used. file: a file or folder of the machine is read or
 * written. listen: doors of the machine. trust: whose word is believed at a login.
 */
export type Guard = 'command' | 'user' | 'file' | 'listen' | 'trust';

const reasons: Readonly<Record<Guard, string>> = {
  command: 'it decides which commands run on the machine, and with what',
  user: 'it decides with whose rights files are written and commands are run',
  file: 'it names files or folders of the machine, which could be any',
  listen: 'it opens and closes doors of the machine; a wrong one keeps the server from starting',
  trust: 'it decides whose word is believed when somebody logs in',
};

export function guardReason(guard: Guard): string {
  return reasons[guard];
}

/** Made-up names (of old-style tables, or for `$name`) that say themselves what they hold. */
export function isSecretName(name: string): boolean {
  return /(?:^|_)(?:password|passwd|pass|pw|bind_pw|secret|token|api_?key)$/i.test(name);
}
