package io.wormhole.protocol.control;

import java.io.Closeable;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;

/**
 * One end of a control connection, with a deadline on every wait. It is used by one thread, except
 * for {@link #wakeup}, {@link #endOutput} and {@link #close}, which any thread may call. Owns the
 * channel.
 */
public final class ControlSocket implements Closeable {
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final SocketChannel channel;
  private final Selector selector;
  private final SelectionKey key;
  private ByteBuffer unsent = NOTHING;

  /** Takes over a connected channel, and closes it if that fails. */
  public ControlSocket(SocketChannel channel) throws IOException {
    this.channel = channel;
    Selector opened = null;
    try {
      channel.configureBlocking(false);
      opened = Selector.open();
      this.selector = opened;
      this.key = channel.register(opened, 0);
    } catch (IOException e) {
      channel.close();
      if (opened != null) {
        opened.close();
      }
      throw e;
    }
  }

  /**
   * Connects, without waiting: a listener whose queue is full is refused like one that is away.
   *
   * @throws IOException if nobody listens
   */
  public static ControlSocket connect(Path socket) throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      channel.configureBlocking(false);
      if (!channel.connect(UnixDomainSocketAddress.of(socket))) {
        throw new IOException("nobody takes connections at " + socket);
      }
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    return new ControlSocket(channel);
  }

  /**
   * Reads at least one byte.
   *
   * @return how many, or −1 at the end
   * @throws SocketTimeoutException if none came in time
   */
  public int read(ByteBuffer destination, Deadline deadline) throws IOException {
    while (true) {
      int count = channel.read(destination);
      if (count != 0) {
        return count;
      }
      await(SelectionKey.OP_READ, deadline.remaining());
      deadline.check("the other end sent nothing");
    }
  }

  /**
   * Writes all of it.
   *
   * @throws SocketTimeoutException if the other end did not take it in time
   */
  public void write(ByteBuffer source, Deadline deadline) throws IOException {
    while (source.hasRemaining() || unsent.hasRemaining()) {
      ByteBuffer next = unsent.hasRemaining() ? unsent : source;
      if (channel.write(next) == 0) {
        await(SelectionKey.OP_WRITE, deadline.remaining());
        deadline.check("the other end took nothing");
      }
    }
  }

  /**
   * Sends it if the other end keeps up, without waiting: what the kernel does not take now follows
   * by itself in {@link #awaitInput}.
   *
   * @return false if an earlier one is not out yet; nothing of this one is sent
   */
  public boolean offer(ByteBuffer source) throws IOException {
    channel.write(unsent);
    if (unsent.hasRemaining()) {
      return false;
    }
    channel.write(source);
    unsent = source;
    return true;
  }

  /**
   * Waits for input, its end, a {@link #wakeup} or the time, and goes on with what was offered.
   *
   * @return whether a read would not wait
   */
  public boolean awaitInput(Duration atMost) throws IOException {
    channel.write(unsent);
    int interest = SelectionKey.OP_READ | (unsent.hasRemaining() ? SelectionKey.OP_WRITE : 0);
    await(interest, atMost);
    // A key that was not selected this time still has the ready set of an earlier one.
    return selector.selectedKeys().contains(key) && key.isReadable();
  }

  /** Ends a running or the next {@link #awaitInput}. */
  public void wakeup() {
    selector.wakeup();
  }

  /** Tells the other end that nothing more comes; reading goes on. */
  public void endOutput() throws IOException {
    channel.shutdownOutput();
  }

  public boolean isOpen() {
    return channel.isOpen();
  }

  @Override
  public void close() throws IOException {
    try (selector) {
      channel.close();
    }
  }

  private void await(int interest, Duration atMost) throws IOException {
    if (!key.isValid()) {
      throw new IOException("the connection is closed");
    }
    key.interestOps(interest);
    selector.selectedKeys().clear();
    long millis = Math.clamp(atMost.toMillis(), 1, Integer.MAX_VALUE);
    selector.select(millis);
    if (!channel.isOpen()) {
      throw new IOException("the connection was closed");
    }
  }
}
