// Long runs start real servers that outlive them: a run that is ended from outside takes them along.

/** On SIGINT and SIGTERM `close` runs once, then the process ends with the signal's usual status. */
export function closeOnSignal(close: () => Promise<void>): void {
  const statuses = { SIGINT: 130, SIGTERM: 143 } as const;
  for (const [signal, status] of Object.entries(statuses)) {
    process.once(signal, () => {
      console.error(`${signal}: stopping the servers`);
      void close().finally(() => process.exit(status));
    });
  }
}
