// Prints metrics in Prometheus's text format, version 0.0.4: HELP and TYPE before the samples of a name, seconds as the
// unit of time, cumulated buckets.

import type { Histogram } from './histogram.ts';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

export class Exposition {
  readonly #lines: string[] = [];

  counter(name: string, help: string, samples: readonly Sample[]): void {
    this.#plain('counter', name, help, samples);
  }

  gauge(name: string, help: string, samples: readonly Sample[]): void {
    this.#plain('gauge', name, help, samples);
  }

  /** `name` ends with `_seconds`; the histograms are of milliseconds. */
  histogram(
    name: string,
    help: string,
    entries: readonly { readonly labels?: Labels; readonly histogram: Histogram }[],
  ): void {
    this.#head('histogram', name, help);
    for (const { labels = {}, histogram } of entries) {
      let count = 0;
      histogram.bounds.forEach((bound, index) => {
        count += histogram.counts[index] ?? 0;
        this.#sample(`${name}_bucket`, { ...labels, le: String(bound / 1000) }, count);
      });
      count += histogram.counts.at(-1) ?? 0;
      this.#sample(`${name}_bucket`, { ...labels, le: '+Inf' }, count);
      this.#sample(`${name}_sum`, labels, histogram.sum / 1000);
      this.#sample(`${name}_count`, labels, count);
    }
  }

  toString(): string {
    return this.#lines.join('');
  }

  #plain(type: string, name: string, help: string, samples: readonly Sample[]): void {
    this.#head(type, name, help);
    for (const { labels = {}, value } of samples) this.#sample(name, labels, value);
  }

  #head(type: string, name: string, help: string): void {
    this.#lines.push(
      `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`,
    );
  }

  #sample(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
    this.#lines.push(`${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`);
  }
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
