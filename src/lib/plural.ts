// A number with what it counts, for sentences: "1 message", "2 messages".

export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : many}`;
}
