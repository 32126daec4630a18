package io.wormhole.daemon.host;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.wormhole.daemon.host.ShareException.Kind;
import io.wormhole.protocol.hash.Blake3;
import io.wormhole.protocol.wire.ShareId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which folders were shared, in {@code shares.json}: the same folder again, by its path and by its
 * (file system, inode), is the same share; another disk at the same path is not. The file is its
 * user's alone and is replaced as a whole. One for a state folder; any thread.
 */
public final class ShareStore {
  private static final String FILE = "shares.json";
  private static final int FORMAT = 1;
  private static final int SALT_BYTES = 16;

  /** Hashes of about a gigabyte that was read before. */
  private static final long HASH_BYTES_PER_SHARE = 4L << 20;

  private final JsonMapper json =
      JsonMapper.builder()
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .build();
  private final Path stateFolder;
  private final SecureRandom random;
  private final Blake3 blake3;

  /**
   * @param stateFolder made when it is missing, for its user alone
   * @param random gives ids and salts
   */
  public ShareStore(Path stateFolder, SecureRandom random, Blake3 blake3) {
    this.stateFolder = stateFolder;
    this.random = random;
    this.blake3 = blake3;
  }

  /**
   * Opens a folder for sharing, under the id it had before if it was shared before. Two shares with
   * one id may be open at a time; both serve the same.
   *
   * @param directory absolute path; links in it are followed
   * @param name what peers call it, or null for the one it had, else the folder's own
   * @return the caller's to close
   */
  public synchronized Share open(String directory, @Nullable String name) throws ShareException {
    String chosen = name == null ? null : ShareName.chosen(name);
    ShareRoot root = ShareRoot.open(directory);
    boolean opened = false;
    try {
      Entry entry = remember(root, chosen);
      Share share =
          new Share(
              ShareId.parse(entry.shareId),
              entry.name,
              root,
              HexFormat.of().parseHex(entry.salt),
              new GroupHashCache(blake3, HASH_BYTES_PER_SHARE));
      opened = true;
      return share;
    } catch (IOException | IllegalArgumentException failure) {
      throw new ShareException(
          Kind.IO,
          "cannot keep what is shared in %s (%s)"
              .formatted(stateFolder.resolve(FILE), firstLine(failure)),
          "mend the file or its folder's rights, or move it away: shares then get new ids");
    } finally {
      if (!opened) {
        root.folder().close();
      }
    }
  }

  /** What the shares are called that were ever opened here. */
  public synchronized Map<ShareId, String> names() throws IOException {
    Map<ShareId, String> names = new HashMap<>();
    for (Entry entry : load()) {
      names.put(ShareId.parse(entry.shareId), entry.name);
    }
    return names;
  }

  private Entry remember(ShareRoot root, @Nullable String chosen) throws IOException {
    List<Entry> entries = new ArrayList<>(load());
    int at = 0;
    while (at < entries.size() && !entries.get(at).isOf(root)) {
      at++;
    }
    if (at == entries.size()) {
      Entry fresh =
          Entry.of(
              root,
              chosen == null ? ShareName.of(root.directory()) : chosen,
              random(ShareId.BYTES),
              random(SALT_BYTES));
      entries.add(fresh);
      save(entries);
      return fresh;
    }
    Entry known = entries.get(at);
    if (chosen == null || chosen.equals(known.name)) {
      return known;
    }
    Entry renamed = known.called(chosen);
    entries.set(at, renamed);
    save(entries);
    return renamed;
  }

  private List<Entry> load() throws IOException {
    byte[] text;
    try {
      text = Files.readAllBytes(stateFolder.resolve(FILE));
    } catch (NoSuchFileException none) {
      return List.of();
    }
    Content content = json.readValue(text, Content.class);
    if (content.format != FORMAT) {
      throw new IOException("format %d, this program knows %d".formatted(content.format, FORMAT));
    }
    return content.shares;
  }

  private void save(List<Entry> entries) throws IOException {
    Files.createDirectories(
        stateFolder,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    Path fresh = stateFolder.resolve(FILE + ".new");
    Files.deleteIfExists(fresh);
    byte[] text = json.writeValueAsBytes(new Content(FORMAT, entries));
    try (FileChannel channel =
        FileChannel.open(
            fresh,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      ByteBuffer bytes = ByteBuffer.wrap(text);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
    Files.move(fresh, stateFolder.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
  }

  private static String firstLine(Exception failure) {
    return String.valueOf(failure.getMessage()).lines().findFirst().orElse("");
  }

  private String random(int bytes) {
    byte[] drawn = new byte[bytes];
    random.nextBytes(drawn);
    return HexFormat.of().formatHex(drawn);
  }

  /** What the file holds. */
  private record Content(int format, List<Entry> shares) {
    Content {
      // A file may lack anything.
      if (shares == null) {
        throw new IllegalArgumentException("no list of shares");
      }
    }
  }

  /**
   * A folder that was shared.
   *
   * @param fileSystem hexadecimal: JSON's numbers are not all of 64 bits
   * @param salt of its versions
   */
  private record Entry(
      String shareId, String name, String directory, String fileSystem, String inode, String salt) {
    Entry {
      ShareId.parse(shareId);
      HexFormat.of().parseHex(salt);
    }

    static Entry of(ShareRoot root, String name, String shareId, String salt) {
      return new Entry(
          shareId,
          name,
          root.directory(),
          Long.toHexString(root.fileSystem()),
          Long.toUnsignedString(root.status().inode()),
          salt);
    }

    boolean isOf(ShareRoot root) {
      return root.directory().equals(directory)
          && Long.toHexString(root.fileSystem()).equals(fileSystem)
          && Long.toUnsignedString(root.status().inode()).equals(inode);
    }

    Entry called(String other) {
      return new Entry(shareId, other, directory, fileSystem, inode, salt);
    }
  }
}
