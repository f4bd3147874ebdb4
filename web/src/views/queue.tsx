// Begun.

import { Empty } from '../parts/states.tsx';

export function QueueView() {
  return <Empty title="QueueView" />;
}
