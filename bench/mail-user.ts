// The uid and gid that own the peers' mail. They need no name on the machine.

export const mailUid = 5_000;
