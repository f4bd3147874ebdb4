// The reading half of the mailstore, as its callers see it: each answer bounded, each from the last commit.

import type { StoreReads } from './store-reads.ts';
import type { Content, ContentReader } from './types.ts';

export class ReadingStore {
  protected readonly reads: StoreReads;

  constructor(reads: StoreReads) {
    this.reads = reads;
  }

  folders(mailbox: number) {
    return this.reads.folders(mailbox);
  }

  folder(id: number) {
    return this.reads.folder(id);
  }

  subscriptions(mailbox: number) {
    return this.reads.subscriptions(mailbox);
  }

  messages(folder: number, afterUid: number, limit: number) {
    return this.reads.messages(folder, afterUid, limit);
  }

  message(folder: number, uid: number) {
    return this.reads.message(folder, uid);
  }

  counts(folder: number) {
    return this.reads.counts(folder);
  }

  head(content: number) {
    return this.reads.head(content);
  }

  openContent(content: number): ContentReader {
    return this.reads.openContent(content);
  }

  openNew(content: Content): ContentReader {
    return this.reads.openNew(content);
  }

  usage(mailbox: number) {
    return this.reads.usage(mailbox);
  }

  ledgerTime(key: string) {
    return this.reads.ledgerTime(key);
  }

  expungedSince(folder: number, modseq: number) {
    return this.reads.expungedSince(folder, modseq);
  }

  queueMessage(id: string) {
    return this.reads.queueMessage(id);
  }

  queueDue(now: number, limit: number, after?: { readonly nextAttempt: number; readonly id: string }) {
    return this.reads.queueDue(now, limit, after);
  }

  queueNumbers(limit: number) {
    return this.reads.queueNumbers(limit);
  }

  queueOldest() {
    return this.reads.queueOldest();
  }

  queueNextAttempt() {
    return this.reads.queueNextAttempt();
  }

  queueList(afterId: string, limit: number) {
    return this.reads.queueList(afterId, limit);
  }
}
