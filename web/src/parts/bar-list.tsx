// Names with how many there are of each, as bars to compare by sight; each leads to what it counts.

import { Link } from '@tanstack/react-router';
import { formatNumber } from './format.ts';
import { shownNames } from './shown-name.ts';

export interface Bar {
  readonly name: string;
  readonly count: number;
  /** Of the queue's address. */
  readonly search: Readonly<Record<string, string | undefined>>;
}

export function BarList({ label, bars }: { readonly label: string; readonly bars: readonly Bar[] }) {
  const most = Math.max(1, ...bars.map(({ count }) => count));
  return (
    <ul aria-label={label} style={{ listStyle: 'none', margin: 0, padding: 0 }}>
      {bars.map(({ name, count, search }) => (
        <li key={name}>
          <Link className="bar-row" to="/queue" search={search}>
            <span className="bar-row-length" style={{ width: `${Math.max(1, (count / most) * 100)}%` }} />
            <span className="bar-row-text">
              <span className="mono">{shownNames(name)}</span>
              <strong>{formatNumber(count)}</strong>
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
