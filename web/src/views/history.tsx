// Begun.

import { Empty } from '../parts/states.tsx';

export function HistoryView() {
  return <Empty title="HistoryView" />;
}
