package io.wormhole.daemon.host;

/** A folder cannot be shared. The message is one line for a person: what, of what. */
public final class ShareException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Why a folder cannot be shared. */
  public enum Kind {
    /** Nothing is there. */
    MISSING,
    /** Something else is there. */
    NOT_A_FOLDER,
    /** The person who runs the daemon may not list it. */
    UNREADABLE,
    /** It lies in a folder that is itself mounted from another machine by this program. */
    OWN_MOUNT,
    /** The name asked for can be no share's. */
    BAD_NAME,
    /** A pattern of what is not shown cannot be meant. */
    BAD_EXCLUDE,
    /** The system lacks what keeps peers inside the folder. */
    UNSUPPORTED,
    /** What is known of shares cannot be read or written, or the disk fails. */
    IO
  }

  private final Kind kind;
  private final String next;

  /**
   * @param message what happened, to what
   * @param next what the person can do
   */
  ShareException(Kind kind, String message, String next) {
    super(message);
    this.kind = kind;
    this.next = next;
  }

  public Kind kind() {
    return kind;
  }

  /** What the person can do, one line. */
  public String next() {
    return next;
  }
}
