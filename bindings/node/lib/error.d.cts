// What all errors of Doozer have in common.

/** The part of a transaction that refused it. */
export interface FailedPart {
  /** A condition, or a change. */
  readonly kind: 'compare' | 'operation';
  /** Which of those it was, counted from 1. */
  readonly number: number;
}

/** What an error is about. */
export interface About {
  /** The operation that failed, such as `set`. */
  op: string;
  /** The path or glob it was about, if it was about one. */
  path?: string | null;
  /** What there is to say beyond the kind. */
  detail?: string;
  /** Whether the same call may be made again as it is. */
  retry?: boolean;
  /** Which part of a transaction refused it, if one did. */
  part?: FailedPart | null;
  cause?: unknown;
}

/** An error of Doozer. Each kind is a class of its own. */
export class DoozerError extends Error {
  constructor(message: string, about?: About);
  /** The kind's name, the same in every language, such as `REV_MISMATCH`. */
  readonly kind: string;
  /** The same, under the name that errors of Node.js have it. */
  readonly code: string;
  /** The kind's permanent number, the same in every language. */
  readonly number: number;
  /** The operation that failed, such as `set`. */
  readonly op: string;
  /** The path or glob the operation was about; null if it was about none. */
  readonly path: string | null;
  /** What there is to say beyond the kind; may be empty. */
  readonly detail: string;
  /** Whether the same call may be made again as it is, without looking first. */
  readonly retry: boolean;
  /** Which part of a transaction refused it; null if none did. */
  readonly part: FailedPart | null;
}
