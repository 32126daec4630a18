package io.wormhole.daemon.fuse;

import io.wormhole.daemon.fuse.device.DeviceBackend;
import io.wormhole.daemon.fuse.device.DeviceSettings;
import io.wormhole.daemon.fuse.jnr.JnrBackend;
import io.wormhole.daemon.fuse.jnr.JnrSettings;
import java.time.Duration;
import org.junit.jupiter.api.Assumptions;

/** The backends that the contract is tested on. */
public enum TestedBackend {
  DEVICE {
    @Override
    FuseBackend make(Duration validFor) {
      return new DeviceBackend(DeviceSettings.DEFAULTS, System::nanoTime);
    }
  },
  DEVICE_WITHOUT_OPENS {
    @Override
    FuseBackend make(Duration validFor) {
      return DEVICE.make(validFor);
    }

    @Override
    boolean leavesOpensOut() {
      return true;
    }
  },
  JNR {
    @Override
    FuseBackend make(Duration validFor) {
      return new JnrBackend(new JnrSettings(8, 128, validFor, 1000), System::nanoTime);
    }
  };

  abstract FuseBackend make(Duration validFor);

  /** Whether the file system needs no opens, and so hears of none. */
  boolean leavesOpensOut() {
    return false;
  }

  /**
   * Makes one; a test on a machine where it cannot run is skipped, loudly.
   *
   * @param validFor how long the kernel may keep what it is told, where a backend has one such
   *     value for the whole mount
   */
  public FuseBackend create(Duration validFor) {
    FuseBackend backend = make(validFor);
    try {
      backend.check();
    } catch (MountException e) {
      System.err.println("SKIPPED, NOT TESTED: the contract on " + this + ": " + e.getMessage());
      Assumptions.abort(e.getMessage());
    }
    return backend;
  }
}
