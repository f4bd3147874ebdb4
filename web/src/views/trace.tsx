// Begun.

import { Empty } from '../parts/states.tsx';

export function TraceView() {
  return <Empty title="TraceView" />;
}
