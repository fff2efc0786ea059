import com.github.tobato.fastdfs.FdfsClientConfig;
import com.github.tobato.fastdfs.domain.fdfs.StorePath;
import com.github.tobato.fastdfs.domain.proto.storage.DownloadByteArray;
import com.github.tobato.fastdfs.service.FastFileStorageClient;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.core.env.MapPropertySource;

/** All callers of the Java client com.github.tobato:fastdfs-client: they upload or download for a while, and what they measured is printed as JSON. */
public class Tobato {
  static FastFileStorageClient client;
  static List<String> ids;
  static byte[] content;
  static boolean upload;

  @org.springframework.boot.context.properties.EnableConfigurationProperties
  static class Properties {}

  static class Caller extends Thread {
    final double seconds;
    final List<Long> latencies = new ArrayList<>();
    final List<String> made = new ArrayList<>();
    Exception failed;

    Caller(double seconds) {
      this.seconds = seconds;
    }

    public void run() {
      try {
        long begin = System.nanoTime();
        for (long now = begin; now - begin < seconds * 1e9; ) {
          call();
          long after = System.nanoTime();
          latencies.add(after - now);
          now = after;
        }
      } catch (Exception e) {
        failed = e;
      }
    }

    void call() {
      if (upload) {
        made.add(client.uploadFile(new ByteArrayInputStream(content), content.length, "bin", null).getFullPath());
        return;
      }
      StorePath path = StorePath.parseFromUrl(ids.get(ThreadLocalRandom.current().nextInt(ids.size())));
      if (client.downloadFile(path.getGroup(), path.getPath(), new DownloadByteArray()).length != content.length) {
        throw new IllegalStateException("wrong size");
      }
    }
  }

  static List<Caller> run(int callers, double seconds) throws Exception {
    List<Caller> all = new ArrayList<>();
    for (int i = 0; i < callers; i++) all.add(new Caller(seconds));
    for (Caller c : all) c.start();
    for (Caller c : all) {
      c.join();
      if (c.failed != null) throw c.failed;
    }
    return all;
  }

  public static void main(String[] args) throws Exception {
    int callers = Integer.parseInt(args[6]);
    upload = args[2].equals("upload");
    content = new byte[Integer.parseInt(args[3])];
    new Random(1).nextBytes(content);
    ids = new BufferedReader(new InputStreamReader(System.in)).lines().toList();
    ((ch.qos.logback.classic.Logger) org.slf4j.LoggerFactory.getLogger("ROOT")).setLevel(ch.qos.logback.classic.Level.ERROR);
    AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext();
    context.getEnvironment().getPropertySources().addFirst(new MapPropertySource("peerbench", java.util.Map.of(
        "fdfs.trackerList[0]", args[0] + ":" + args[1], "fdfs.soTimeout", "30000", "fdfs.connectTimeout", "3000",
        "fdfs.pool.maxTotal", "256", "fdfs.pool.maxTotalPerKey", "64", "fdfs.pool.maxIdlePerKey", "64")));
    context.register(FdfsClientConfig.class, Properties.class);
    context.refresh();
    client = context.getBean(FastFileStorageClient.class);

    List<Caller> all = run(callers, Double.parseDouble(args[4]));
    List<String> made = new ArrayList<>();
    for (Caller c : all) made.addAll(c.made);
    long begin = System.nanoTime();
    all = run(callers, Double.parseDouble(args[5]));
    double elapsed = (System.nanoTime() - begin) / 1e9;
    List<Long> latencies = new ArrayList<>();
    for (Caller c : all) {
      latencies.addAll(c.latencies);
      made.addAll(c.made);
    }
    StringBuilder json = new StringBuilder("{\"latencies\":" + latencies + ",\"elapsed\":" + elapsed + ",\"made\":[");
    for (int i = 0; i < made.size(); i++) json.append(i == 0 ? "\"" : ",\"").append(made.get(i)).append('"');
    System.out.println(json.append("]}"));
    System.exit(0);
  }
}
